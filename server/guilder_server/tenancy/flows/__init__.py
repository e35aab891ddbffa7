"""The use cases of tenancy: who a key stands for, and the administration of accounts and keys."""
