"""Whose books are meant."""

from __future__ import annotations

from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.archive.lines import Wrong
from guilder_server.postgres.pool import Connection

_FIND = "SELECT id FROM tenants WHERE account_id = %s AND livemode = %s"
# An account comes into a mode with its first key there, or with its books.
_MAKE = """
INSERT INTO tenants (account_id, livemode) SELECT id, %(livemode)s FROM accounts
WHERE id = %(account)s ON CONFLICT DO NOTHING
"""


async def tenant_of(connection: Connection, account: str, livemode: bool) -> Tenant:
    """Raises Wrong if there is none."""
    row = await (await connection.execute(_FIND, [account, livemode])).fetchone()
    if row is None:
        raise Wrong(
            f"There is no account {account} with anything in this mode. `guilder accounts list` "
            "shows those there are."
        )
    return Tenant(row[0], account, livemode)


async def tenant_for(connection: Connection, account: str, livemode: bool) -> Tenant:
    """The same of an account that may never have been used. Raises Wrong if there is none."""
    await connection.execute(_MAKE, {"account": account, "livemode": livemode})
    return await tenant_of(connection, account, livemode)
