"""Guilder: a payments platform that teams run on their own machines."""
