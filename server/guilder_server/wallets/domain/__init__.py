"""What decides about wallets: their states, their limits, and what they hold."""
