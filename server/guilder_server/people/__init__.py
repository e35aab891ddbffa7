"""The door of people: what other capabilities may use."""
