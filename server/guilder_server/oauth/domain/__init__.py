"""Clients, their tokens and the keys that sign those: frozen data and pure functions."""
