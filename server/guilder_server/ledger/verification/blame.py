"""Which row of a block is not as it was committed, and what of it.

A block keeps eight bytes of the hash of each of its rows. They tell which row is another by now.
What it was before they cannot tell; but what the rows around it say it should be can be tried, and
where one of these has the eight bytes, it was that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from guilder_server.ledger.domain import chain
from guilder_server.ledger.infra.lines import Line, Row, is_header
from guilder_server.ledger.infra.walking import Block, Lines
from guilder_server.postgres.pool import Connection

_HEADER = (
    *("id", "kind", "source", "created", "available", "currency", "description", "effective_at"),
    *("reference", "reverses", "metadata", "pairs", "exchange"),
)
_ENTRY = ("code", "currency", "version", "amount", "balance", "posted_at", "effective_at")

# What the rows around an entry say it should be.
_AROUND = """
SELECT p.code, coalesce(p.currency, t.currency), before.version + 1,
       e.amount - (
           SELECT sum(o.amount) FROM ledger_entries o
           JOIN ledger_accounts oa ON oa.tenant_id = o.tenant_id AND oa.id = o.account_id
           WHERE o.tenant_id = e.tenant_id AND o.transaction_id = e.transaction_id
             AND oa.currency = a.currency
       )::bigint,
       before.balance, after.balance - after.amount,
       (SELECT max(o.posted_at) FROM ledger_entries o
        WHERE o.tenant_id = e.tenant_id AND o.transaction_id = e.transaction_id
          AND (o.account_id, o.version) <> (e.account_id, e.version)),
       t.effective_at
FROM ledger_entries e
JOIN ledger_transactions t ON t.tenant_id = e.tenant_id AND t.id = e.transaction_id
JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
LEFT JOIN ledger_profiles p ON p.tenant_id = a.tenant_id AND p.id = a.public_id
LEFT JOIN LATERAL (
    SELECT version, balance FROM ledger_entries o WHERE o.tenant_id = e.tenant_id
      AND o.account_id = e.account_id AND o.version < e.version ORDER BY version DESC LIMIT 1
) before ON true
LEFT JOIN LATERAL (
    SELECT balance, amount FROM ledger_entries o WHERE o.tenant_id = e.tenant_id
      AND o.account_id = e.account_id AND o.version > e.version ORDER BY version LIMIT 1
) after ON true
WHERE e.tenant_id = %s AND e.transaction_id = %s AND (a.code, a.currency, e.version) = (%s, %s, %s)
"""
_BESIDE = """
SELECT (SELECT min(a.currency) FROM ledger_entries e
        JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
        WHERE e.tenant_id = t.tenant_id AND e.transaction_id = t.id
        HAVING count(DISTINCT a.currency) = 1),
       (SELECT max(effective_at) FROM ledger_entries e
        WHERE e.tenant_id = t.tenant_id AND e.transaction_id = t.id),
       (SELECT id FROM ledger_references r
        WHERE r.tenant_id = t.tenant_id AND r.transaction_id = t.id)
FROM ledger_transactions t WHERE t.tenant_id = %s AND t.id = %s
"""
# Where the numbers of an account's entries have a gap, or end too early.
_GAPS = """
SELECT a.code, a.currency, n FROM ledger_accounts a
CROSS JOIN LATERAL (
    SELECT coalesce(lag(e.version) OVER (ORDER BY e.version), 0) + 1 AS n, e.version
    FROM ledger_entries e WHERE e.tenant_id = a.tenant_id AND e.account_id = a.id
    UNION ALL
    SELECT coalesce(max(e.version), 0) + 1, a.version + 1
    FROM ledger_entries e WHERE e.tenant_id = a.tenant_id AND e.account_id = a.id
) gap WHERE a.tenant_id = %s AND n < gap.version
ORDER BY 1, 2, 3 LIMIT 2
"""


async def difference(connection: Connection, tenant: int, block: Block, lines: Lines) -> str | None:
    """The first row of the block that is not as it was, as a sentence; None if all are."""
    seal = chain.seal([line for _, own in lines for line, _ in own])
    place = f"{block.name} of tenant {tenant}"
    if seal.digest == block.digest:
        return _beside(place, block, seal, lines)
    expected = chain.split(block.locators)
    missing = Counter(expected) - Counter(chain.split(seal.locators))
    kept = Counter(expected)
    for number, (id, own) in enumerate(lines):
        named = f"transaction {id} of tenant {tenant} ({block.name})"
        if not own:
            return f"{named} is gone"
        if not is_header(own[0][0]):
            return f"the header of {named} is gone"
        committed = _between(expected, own, [one for _, one in lines[number + 1 : number + 2]])
        for line, row in own:
            locator = chain.locator(line)
            kept[locator] -= 1
            if kept[locator] < 0:
                if is_header(line):
                    return f"the header of {named} {await _was(connection, tenant, row, missing)}"
                entry = f"entry {row[2]} on account {row[0]} ({row[1]}) of {named}"
                if committed is not None and len(own) - 1 > len(committed):
                    return f"{entry} was put there after it was committed"
                return f"{entry} {await _entry_was(connection, tenant, id, row, missing)}"
        if committed is not None and len(own) - 1 < len(committed):
            return f"{await _lost(connection, tenant)} of {named} is gone"
    if missing:
        return f"a row of {place} is gone"
    return f"{place} has the rows that its locators name, and another digest"


def _beside(place: str, block: Block, seal: chain.Seal, lines: Lines) -> str | None:
    """What of the block itself is not as it was, where all its rows are."""
    strange = [id for id, own in lines if not own]
    if strange:
        return f"{place} names the transaction {strange[0]}, which is not there"
    if seal.locators != block.locators:
        return f"the locators of {place} are not those of its rows"
    return None


def _between(
    expected: Sequence[bytes], own: list[Line], following: list[list[Line]]
) -> list[bytes] | None:
    """The locators of a transaction's entries, if its header and the one that follows, if any, are
    as they were."""
    if not all(one and is_header(one[0][0]) for one in following):
        return None
    try:
        start = expected.index(chain.locator(own[0][0])) + 1
        ends = [expected.index(chain.locator(one[0][0]), start) for one in following]
    except ValueError:
        return None
    return list(expected[start : ends[0] if ends else None])


async def _was(connection: Connection, tenant: int, row: Row, missing: Counter[bytes]) -> str:
    found = await (await connection.execute(_BESIDE, [tenant, row[0]])).fetchone()
    currency, effective_at, reference = found or (None, None, None)
    tried: list[set[Any]] = [{value} for value in row]
    for name, value in (
        ("currency", currency),
        ("effective_at", effective_at),
        ("reference", reference),
    ):
        tried[_HEADER.index(name)] |= {value, None}
    return _told(_HEADER, row, ((one, chain.header(*one)) for one in product(*tried)), missing)


async def _entry_was(
    connection: Connection, tenant: int, id: str, row: Row, missing: Counter[bytes]
) -> str:
    around = await (await connection.execute(_AROUND, [tenant, id, *row[:3]])).fetchone()
    if around is None:
        return "is not as it was committed"
    code, currency, version, amount, before, after, posted_at, effective_at = around
    amounts = {row[3], amount, row[4] - (before or 0)}
    balances = {row[4], *((before or 0) + one for one in amounts if one is not None), after}
    tried: list[set[Any]] = [
        {row[0], code},
        {row[1], currency},
        {row[2], version or 1},
        amounts,
        balances,
        {row[5], posted_at},
        {row[6], effective_at, None},
    ]
    needed = [{one for one in values if one is not None} for values in tried[:-1]]
    candidates = ((one, chain.entry(*one)) for one in product(*needed, tried[-1]))
    return _told(_ENTRY, row, candidates, missing)


def _told(
    names: Sequence[str], row: Row, candidates: Iterator[tuple[Row, bytes]], missing: Counter[bytes]
) -> str:
    for one, line in candidates:
        if missing[chain.locator(line)]:
            changed = [
                f"its {name} was {_shown(then)} and is {_shown(now)}"
                for name, then, now in zip(names, one, row, strict=True)
                if then != now
            ]
            return f"is not as it was committed: {', '.join(changed)}"
    return "is not as it was committed"


def _shown(value: Any) -> str:
    return "null" if value is None else str(value)


async def _lost(connection: Connection, tenant: int) -> str:
    gaps = await (await connection.execute(_GAPS, [tenant])).fetchall()
    if len(gaps) != 1:
        return "an entry"
    code, currency, version = gaps[0]
    return f"entry {version} on account {code} ({currency})"
