"""What decides about payouts: their states, and what may be paid out."""
