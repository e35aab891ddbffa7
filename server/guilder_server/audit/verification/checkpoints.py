"""The signed heads of the trail: each is of the chain as it is, and signed."""

from __future__ import annotations

from guilder_server.audit.domain.checkpoint import signed_text
from guilder_server.audit.infra.chaining import CHAINED
from guilder_server.audit.verification.chain import Altered
from guilder_server.kernel.clock import unix
from guilder_server.kernel.tenant import OPERATOR
from guilder_server.postgres.chaining import WHOSE
from guilder_server.postgres.pool import Connection
from guilder_server.postgres.signing import is_signed

_CHECKPOINTS = f"""
SELECT c.tenant_id, c.id, t.account_id, t.livemode, c.position, c.head, c.created, c.public_key,
       c.signature, c.entries, b.head, b.entries, last.position
FROM audit_checkpoints c
LEFT JOIN ({WHOSE}) t ON t.id = c.tenant_id
LEFT JOIN (
    SELECT tenant_id, position, head,
           sum({CHAINED.counted}) OVER (PARTITION BY tenant_id ORDER BY position) AS entries
    FROM audit_blocks WHERE position IS NOT NULL
) b ON b.tenant_id = c.tenant_id AND b.position = c.position
LEFT JOIN (
    SELECT tenant_id, max(position) AS position FROM audit_blocks GROUP BY 1
) last ON last.tenant_id = c.tenant_id
WHERE %(account)s::text IS NULL OR t.account_id = %(account)s
ORDER BY c.tenant_id, c.position
"""  # noqa: S608 - constants


async def check_checkpoints(connection: Connection, account: str | None) -> set[str]:
    """Raises Altered at the first one that is not right; the public keys that signed."""
    keys = set()
    async with connection.cursor(name="checkpoints") as cursor:
        cursor.itersize = 1000
        await cursor.execute(_CHECKPOINTS, {"account": account})
        async for tenant, id, owner, livemode, position, head, created, key, *rest in cursor:
            signature, said, there, counted, last = rest
            whose = f"{owner}/{'live' if livemode else 'test'}" if owner else str(tenant)
            if tenant == OPERATOR.id:
                whose = OPERATOR.account
            named = f"checkpoint {id} of {whose}"
            text = signed_text(str(owner), bool(livemode), position, head, created)
            # A fraction of a second would not be seen in the text.
            whole = created.microsecond == 0 and unix(created) >= 0
            if not whole or not is_signed(text, key, signature):
                raise Altered(f"{named} was edited: its signature is not of what it shows")
            if there is None:
                raise Altered(
                    f"entries at the end of the audit trail of {whose} were deleted: {named}, "
                    f"signed {created.isoformat()}, is of position {position}, and the trail ends "
                    f"at {last or 0}"
                )
            if there != head:
                raise Altered(
                    f"{named}, signed {created.isoformat()}, has another head than the chain at "
                    f"{position}: what stands before was written anew since"
                )
            if said != counted:
                raise Altered(
                    f"{named} says {said} entries, the chain has {counted} up to {position}"
                )
            keys.add(key.hex())
    return keys
