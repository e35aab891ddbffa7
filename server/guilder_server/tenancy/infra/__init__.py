"""Accounts and keys in PostgreSQL."""
