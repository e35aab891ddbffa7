"""The use cases of wallets."""
