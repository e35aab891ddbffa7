"""Row-level security: the database itself keeps tenants apart, should a statement forget to.

Connections of the server run as one of four roles that own nothing and are above nothing. What
requests read and write is bounded by a setting of their transaction, which holds the tenants that
it is about; without it they see no row. docs/isolation.md says it for operators, decision 0024
says why.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

REQUESTS = "guilder_requests"  # reads what a request is about
COMMITS = "guilder_commits"  # writes what requests have decided
JOBS = "guilder_jobs"  # looks across tenants: the worker and the sweeps
PEOPLE = "guilder_people"  # lets people in: who they are belongs to no tenant
ROLES = (REQUESTS, COMMITS, JOBS, PEOPLE)

# Both are local to a transaction. After it such a setting is not unset but empty.
_TENANTS = "SELECT nullif(current_setting('guilder.tenants', true), '')::bigint[]"
_HASHES = "SELECT nullif(current_setting('guilder.hashes', true), '')::bytea[]"

_SET = "SELECT set_config('guilder.tenants', %s, true)"
_SET_BOTH = f"{_SET}, set_config('guilder.hashes', %s, true)"


def in_force(tenants: Collection[int], hashes: Collection[bytes] = ()) -> tuple[str, Sequence[str]]:
    """The statement after which a transaction sees the rows of these tenants, and the keys with
    these hashes; with its values."""
    named = f"{{{','.join(map(str, tenants))}}}"
    if not hashes:
        return _SET, [named]
    literals = ",".join(rf'"\\x{each.hex()}"' for each in hashes)
    return _SET_BOTH, [named, f"{{{literals}}}"]


def as_role(role: str) -> str:
    """The option with which a connection begins as `role`."""
    return f"-c role={role}"


def of_tenants(column: str = "tenant_id") -> str:
    """Whether a row is of one of the tenants in force, which are read once for each statement.

    The sum keeps the condition out of index scans. There it would be taken for a list of places
    to look in, sorted anew for each row that is looked up: a third more time for 256 rows.
    """
    return f"{column} + 0 = ANY (({_TENANTS})::bigint[])"


def of_hashes(column: str) -> str:
    """Whether a row has one of the hashes in force."""
    return f"{column} = ANY (({_HASHES})::bytea[])"


def of_operator() -> str:
    """Whether the operator is in force, who has a number among tenants and no rows of their own."""
    return f"0 = ANY (({_TENANTS})::bigint[])"


def isolate(
    table: str,
    *,
    requests: str = "SELECT",
    commits: str = "",
    jobs: str = "",
    own: str = of_tenants(),
) -> list[str]:
    """The statements that wall the rows of `table` off, and let each role do what is listed.

    `own` says which rows are of those in force. Whoever migrates the database sees all rows, as
    the commands for operators and later migrations must.
    """
    statements = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY tenants ON {table} TO {REQUESTS}, {COMMITS} USING ({own})",
        f"CREATE POLICY operators ON {table} TO CURRENT_USER USING (true)",
    ]
    if jobs:
        statements.append(f"CREATE POLICY jobs ON {table} TO {JOBS} USING (true)")
    for role, allowed in ((REQUESTS, requests), (COMMITS, commits), (JOBS, jobs)):
        if allowed:
            statements.append(f"GRANT {allowed} ON {table} TO {role}")
    return statements
