"""What the worker runs: carrying deliveries out, and putting replays on their way."""
