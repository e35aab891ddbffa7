"""What an account held at an instant, as a part of larger statements.

Each part stands after `ledger_accounts a` and takes the values `known` (up to which instant
counts what was posted), and `effective` and `until` where it asks what was in effect.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

# The last entry that was posted by an instant: halving the distance, a look into the primary key
# for each step, as posted_at never decreases on an account.
ENTRIES_KNOWN = """
LATERAL (
    WITH RECURSIVE search AS (
        SELECT CASE WHEN a.posted_at <= %(known)s THEN a.version ELSE 0 END AS low,
               a.version + 1 AS high
        UNION ALL
        SELECT CASE WHEN known THEN middle ELSE low END, CASE WHEN known THEN high ELSE middle END
        FROM (
            SELECT s.low, s.high, (s.low + s.high) / 2 AS middle, (
                SELECT e.posted_at <= %(known)s FROM ledger_entries e
                WHERE e.tenant_id = a.tenant_id AND e.account_id = a.id
                  AND e.version = (s.low + s.high) / 2
            ) AS known
            FROM search s WHERE s.high - s.low > 1
        ) step
    )
    SELECT low AS entries FROM search WHERE high - low <= 1
) known
"""
# Beside it, what was in effect at an instant and was posted after it, as far as it was known. Of
# the entries with an effective_at, those that were posted since are looked through, or those that
# were in effect by then, whichever should be fewer: an index for each, and the other condition
# written so that its index is no temptation.
_BACKDATED = """
LATERAL (
    SELECT coalesce(sum(amount), 0) AS amount, count(*) AS entries FROM (
        SELECT e.amount FROM ledger_entries e
        WHERE e.tenant_id = a.tenant_id AND e.account_id = a.id AND e.effective_at IS NOT NULL
          AND e.version > known.entries AND e.effective_at + interval '0' <= %(effective)s
          AND e.posted_at <= %(until)s AND known.entries * 2 >= a.version
          AND %(effective)s::timestamptz IS NOT NULL
        UNION ALL
        SELECT e.amount FROM ledger_entries e
        WHERE e.tenant_id = a.tenant_id AND e.account_id = a.id
          AND e.version + 0 > known.entries AND e.effective_at <= %(effective)s
          AND e.posted_at <= %(until)s AND known.entries * 2 < a.version
    ) either
) late
"""
# Debits less credits, and the number of entries that make it up.
BALANCE = f"""
{ENTRIES_KNOWN}, {_BACKDATED}, LATERAL (
    SELECT coalesce((
        SELECT e.balance FROM ledger_entries e
        WHERE e.tenant_id = a.tenant_id AND e.account_id = a.id AND e.version = known.entries
    ), 0) + late.amount AS balance, known.entries + late.entries AS entries
) held
"""
_NEVER = datetime.max.replace(tzinfo=UTC)


def instants(known_at: datetime | None, effective_at: datetime | None) -> dict[str, Any]:
    """The values of `BALANCE`; each instant is the last that counts."""
    until = known_at or _NEVER
    return {
        "known": min(until, effective_at or _NEVER),
        "effective": effective_at,
        "until": until,
    }


def end_of(instant: datetime | None) -> datetime | None:
    """The wire knows whole seconds: "at this second" is up to its end."""
    return None if instant is None else instant + timedelta(microseconds=999_999)
