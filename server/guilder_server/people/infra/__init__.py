"""The database, the provider, and the arts of passwords and codes."""
