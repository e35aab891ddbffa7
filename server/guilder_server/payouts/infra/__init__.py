"""Payouts in PostgreSQL."""
