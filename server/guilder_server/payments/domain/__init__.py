"""The state machines of payments: frozen data and pure functions."""
