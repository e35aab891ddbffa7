"""Payouts: money of wallets on its way to banks. Nothing to the right of them yet, so no door."""
