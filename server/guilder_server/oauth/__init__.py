"""The door of OAuth: it has nothing that other capabilities need."""
