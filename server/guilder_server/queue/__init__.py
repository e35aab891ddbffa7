"""Work that nobody is waiting for."""
