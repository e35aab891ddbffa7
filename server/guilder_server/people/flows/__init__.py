"""The use cases: inviting, joining, signing in, sessions, members."""
