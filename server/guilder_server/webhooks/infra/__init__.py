"""Webhooks in PostgreSQL and on the network."""
