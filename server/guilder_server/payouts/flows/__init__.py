"""The use cases of payouts."""
