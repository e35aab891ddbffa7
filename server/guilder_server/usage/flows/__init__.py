"""The use cases of usage: what was used, and telling of marks."""
