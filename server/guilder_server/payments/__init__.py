"""Payments: intents, charges and refunds. Nothing to the right of them yet, so no door."""
