"""Whose books are meant."""

from __future__ import annotations

from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.archive.lines import Wrong
from guilder_server.postgres.pool import Connection


async def tenant_of(connection: Connection, account: str, livemode: bool) -> Tenant:
    """Raises Wrong if there is none."""
    query = "SELECT id FROM tenants WHERE account_id = %s AND livemode = %s"
    row = await (await connection.execute(query, [account, livemode])).fetchone()
    if row is None:
        raise Wrong(
            f"There is no account {account}. `guilder accounts list` shows those there are."
        )
    return Tenant(row[0], account, livemode)
