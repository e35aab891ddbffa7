"""Webhooks as data and rules."""
