"""Payment methods in PostgreSQL."""
