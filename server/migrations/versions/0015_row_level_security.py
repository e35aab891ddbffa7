"""Row-level security: each table of tenants, and which role may do what with it."""

from pathlib import Path

from alembic import op

from guilder_server.postgres.isolation import (
    PEOPLE,
    isolate,
    isolate_people,
    of_account,
    of_email,
    of_everybody,
    of_hash,
    of_hashes,
    of_identity,
    of_operator,
    of_person,
    of_tenants,
)
from guilder_server.postgres.roles import provide

revision = "0015"
down_revision = "0014"

_LET_IN = f"SELECT tenant_id FROM api_keys WHERE {of_hashes('hash')}"  # noqa: S608 - a constant
_SEEN = "SELECT account_id FROM tenants"
_KEPT = {"commits": "SELECT, INSERT, UPDATE"}  # objects of the API
_WRITTEN = {"commits": "INSERT"}  # and never changed
_FOUND = {"jobs": "SELECT"}
_OR_OPERATOR = f"{of_tenants()} OR {of_operator()}"

# A new table has a line here, or says `isolate` in its own migration.
TABLES: dict[str, dict[str, str]] = {
    "charges": _KEPT | _FOUND,
    "customers": _KEPT,
    "events": _WRITTEN | {"jobs": "SELECT, UPDATE, DELETE"},
    "gateway_attempts": _KEPT | _FOUND,
    "idempotency_keys": {
        "commits": "SELECT, INSERT, UPDATE, DELETE",
        "jobs": "SELECT, UPDATE, DELETE",
    },
    "ledger_accounts": _KEPT | _FOUND,
    "ledger_backlog": {"requests": "", "jobs": "SELECT, DELETE"},
    "ledger_blocks": _WRITTEN | {"jobs": "SELECT, INSERT, UPDATE"},
    "ledger_checkpoints": {"jobs": "SELECT, INSERT"},
    "ledger_entries": _WRITTEN | _FOUND,
    "ledger_holds": _KEPT | _FOUND,
    "ledger_imports": {"requests": ""},
    "ledger_profiles": _KEPT,
    "ledger_references": _KEPT,
    "ledger_reversals": _KEPT,
    "ledger_transactions": _WRITTEN | _FOUND,
    "payment_intents": _KEPT | _FOUND,
    "payment_methods": _KEPT,
    "payouts": _KEPT | _FOUND,
    "refunds": _KEPT,
    "wallet_holds": _KEPT | _FOUND,
    "wallet_top_ups": _KEPT,
    "wallet_transfers": _KEPT,
    "wallets": _KEPT,
    "webhook_deliveries": _KEPT | {"jobs": "SELECT, INSERT, UPDATE, DELETE"},
    "webhook_endpoints": _KEPT | _FOUND,
    "webhook_replays": _KEPT | {"jobs": "SELECT, UPDATE"},
    "audit_blocks": {
        "commits": "SELECT, INSERT",
        "jobs": "SELECT, INSERT, UPDATE",
        "own": _OR_OPERATOR,
    },
    "audit_checkpoints": {"jobs": "SELECT, INSERT"},
    "request_logs": {"jobs": "SELECT, INSERT, UPDATE, DELETE"},
    "usage_counters": _KEPT | {"jobs": "SELECT, UPDATE", "own": _OR_OPERATOR},
    "usage_notices": _WRITTEN | _FOUND,
    "credential_uses": {
        "commits": "SELECT",
        "jobs": "SELECT, INSERT, UPDATE",
        "own": _OR_OPERATOR,
    },
    "oauth_assertions": _WRITTEN | {"jobs": "SELECT, DELETE"},
    "oauth_clients": _KEPT | _FOUND,
    # A key is looked up by its hash, before anybody knows whose it is.
    "api_keys": _KEPT | {"own": f"{_OR_OPERATOR} OR {of_hashes('hash')}"},
    "tenants": _FOUND
    | {
        "commits": "SELECT, INSERT",
        "own": f"{of_tenants('id')} OR {of_operator()} OR id IN ({_LET_IN})",
    },
    # As many as there are tenants that are seen.
    "accounts": _KEPT | _FOUND | {"own": f"id IN ({_SEEN}) OR {of_operator()}"},
    "organizations": _KEPT | {"own": of_operator()},
}


_WITH_THE_SESSION = "EXISTS (SELECT FROM sessions s WHERE s.user_id = {})"
_A_MEMBER = "EXISTS (SELECT FROM memberships m WHERE m.user_id = users.id)"
_KNOWN_THERE = "EXISTS (SELECT FROM identities i WHERE i.user_id = users.id)"
_A_PLACE = "EXISTS (SELECT FROM memberships m WHERE m.account_id = accounts.id)"
_OF_THE_ACCOUNT = "EXISTS (SELECT FROM accounts a WHERE a.id = tenants.account_id)"
_IN_ITS_TRAIL = "EXISTS (SELECT FROM tenants t WHERE t.id = audit_blocks.tenant_id)"
_CHANGED = "SELECT, INSERT, UPDATE"

# Whose rows these are: a table is seen through those above it, as far as they are seen.
OF_PEOPLE: dict[str, dict[str, str]] = {
    "sessions": {
        "people": _CHANGED,
        "own": f"{of_hash()} OR {of_person()}",
        "jobs": "SELECT (expires_at), DELETE",
    },
    "identities": {"people": "SELECT, INSERT", "own": f"{of_identity()} OR {of_person()}"},
    "memberships": {
        "people": f"{_CHANGED}, DELETE",
        "own": f"{of_account()} OR {of_person()} OR {of_everybody()} "
        f"OR {_WITH_THE_SESSION.format('memberships.user_id')}",
    },
    "users": {
        "people": _CHANGED,
        "own": f"{of_person('id')} OR {of_email()} OR {_KNOWN_THERE} OR {_A_MEMBER} "
        f"OR {_WITH_THE_SESSION.format('users.id')}",
    },
    "invitations": {"people": _CHANGED, "own": f"{of_account()} OR {of_hash()} OR {of_email()}"},
    "sign_in_states": {
        "people": _CHANGED,
        "own": of_hash(),
        "jobs": "SELECT (expires_at), DELETE",
    },
    "sign_in_attempts": {
        "people": f"{_CHANGED}, DELETE",
        "own": of_hash("subject"),
        "jobs": "SELECT (since), DELETE",
    },
}
# What they see of what belongs to others: their accounts, and the trail that they are told to.
_ALSO_FOR_PEOPLE = (
    f"CREATE POLICY people ON accounts TO {PEOPLE} USING ({of_account('id')} OR {_A_PLACE})",
    f"GRANT SELECT (id, name, plan, status) ON accounts TO {PEOPLE}",
    f"CREATE POLICY people ON tenants TO {PEOPLE} USING ({_OF_THE_ACCOUNT})",
    f"GRANT SELECT (id, account_id, livemode) ON tenants TO {PEOPLE}",
    f"CREATE POLICY people ON audit_blocks FOR INSERT TO {PEOPLE} WITH CHECK ({_IN_ITS_TRAIL})",
    f"GRANT INSERT ON audit_blocks TO {PEOPLE}",
)


def upgrade() -> None:
    provide(op.get_bind())
    op.execute(Path(__file__).with_suffix(".sql").read_text())
    for table, rules in TABLES.items():
        for statement in isolate(table, **rules):
            op.execute(statement)
    for table, rules in OF_PEOPLE.items():
        for statement in isolate_people(table, **rules):
            op.execute(statement)
    for statement in _ALSO_FOR_PEOPLE:
        op.execute(statement)
