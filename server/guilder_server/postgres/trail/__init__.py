"""The audit trail: what every commit writes of who did what, and, for what is written outside of
the committer, `append`.

That is on the connection of a transaction that the caller ends, so that no change is kept without
its entry.
"""

from guilder_server.postgres.trail.appending import append, append_now, append_own_now

__all__ = ["append", "append_now", "append_own_now"]
