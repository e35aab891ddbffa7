"""The request log: what callers asked and were answered, without what nobody else may know."""
