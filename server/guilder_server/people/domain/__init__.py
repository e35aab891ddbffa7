"""People, what they may do, and how they are let in: frozen data and pure functions."""
