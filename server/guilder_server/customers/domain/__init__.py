"""Customers: frozen data and pure functions."""
