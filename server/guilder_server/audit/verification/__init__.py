"""`guilder audit verify`: proves, from the rows alone, that every entry is as it was written."""

from guilder_server.audit.verification.run import verify

__all__ = ["verify"]
