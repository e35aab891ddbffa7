"""Row-level security: the database itself keeps tenants apart, should a statement forget to.

Connections of the server run as one of four roles that own nothing and are above nothing. What
requests read and write is bounded by a setting of their transaction, which holds the tenants that
it is about; without it they see no row. What lets people in names, for each statement, the one
thing that it is about. docs/isolation.md says it for operators, decision 0024 says why.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeAlias

REQUESTS = "guilder_requests"  # reads what a request is about
COMMITS = "guilder_commits"  # writes what requests have decided
JOBS = "guilder_jobs"  # looks across tenants: the worker and the sweeps
PEOPLE = "guilder_people"  # lets people in: who they are belongs to no tenant
ROLES = (REQUESTS, COMMITS, JOBS, PEOPLE)

# Both are local to a transaction. After it such a setting is not unset but empty.
_TENANTS = "SELECT nullif(current_setting('guilder.tenants', true), '')::bigint[]"
_HASHES = "SELECT nullif(current_setting('guilder.hashes', true), '')::bytea[]"

# One thing of a kind. The kind is a part of it, so that an email is never taken for an account.
_ABOUT = "SELECT nullif(current_setting('guilder.about', true), '')::text[]"

About: TypeAlias = tuple[str, ...]  # a kind, and what names one of it

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


def about(what: About) -> tuple[str, Sequence[list[str]]]:
    """The statement after which a transaction sees those rows of people that are about one thing;
    with its values. It takes the place of what was named before."""
    return "SELECT set_config('guilder.about', %s::text[]::text, true)", [list(what)]


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


def of_account(column: str = "account_id") -> str:
    """Whether a row is the account's that is in force."""
    return _is_about("account", column)


def of_person(column: str = "user_id") -> str:
    return _is_about("person", column)


def of_email(column: str = "email") -> str:
    return _is_about("email", column)


def of_identity(issuer: str = "issuer", subject: str = "subject") -> str:
    return _is_about("identity", issuer, subject)


def of_hash(column: str = "hash") -> str:
    """Whether a row is the one with the hash in force."""
    return _is_about("hash", f"encode({column}, 'hex')")


def of_everybody() -> str:
    """Whether whoever runs the server looks across accounts."""
    return _is_about("everybody")


def _is_about(kind: str, *columns: str) -> str:
    return f"ARRAY[{', '.join((repr(kind), *columns))}] = (({_ABOUT})::text[])"


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


def isolate_people(table: str, *, people: str, own: str, jobs: str = "") -> list[str]:
    """As `isolate`, for rows of people: those whom a statement is about (`own`), for who lets
    people in and for nobody else. `jobs` is for forgetting what has ended."""
    statements = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY people ON {table} TO {PEOPLE} USING ({own})",
        f"CREATE POLICY operators ON {table} TO CURRENT_USER USING (true)",
        f"GRANT {people} ON {table} TO {PEOPLE}",
    ]
    if jobs:
        statements.append(f"CREATE POLICY jobs ON {table} TO {JOBS} USING (true)")
        statements.append(f"GRANT {jobs} ON {table} TO {JOBS}")
    return statements
