"""Gateways' own data and decisions: no I/O, no clock, no framework."""
