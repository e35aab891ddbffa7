"""Clients and signing keys in PostgreSQL; signatures and certificates."""
