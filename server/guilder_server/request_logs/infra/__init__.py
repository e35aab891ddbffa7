"""Logged requests in PostgreSQL."""
