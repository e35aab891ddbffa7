"""The audit trail: who changed what, when, from where, and that nobody has touched it since."""
