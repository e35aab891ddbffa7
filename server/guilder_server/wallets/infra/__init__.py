"""Wallets in PostgreSQL."""
