"""The ledger's rules."""
