"""The audit trail: who changed what, when and from where, and that nobody has touched it since."""
