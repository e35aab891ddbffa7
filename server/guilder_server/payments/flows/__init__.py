"""The use cases of payments: read, decide, return what should become true."""
