"""The words every capability shares. Imports nothing but the standard library."""
