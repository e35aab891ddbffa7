"""Accounts and keys: frozen data and pure functions."""
