"""Events as data."""
