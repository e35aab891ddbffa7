"""`guilder audit verify`: proves, from the rows alone, that every entry is as it was written."""

from guilder_server.audit.verification.run import NoSuchAccount, verify

__all__ = ["NoSuchAccount", "verify"]
