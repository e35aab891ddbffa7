"""What all accounts have used in a month, and whether the counters are right: for commands, on a
connection of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from guilder_server.usage.domain.meters import Figures
from guilder_server.usage.infra.store import COLUMNS, LATEST, figures

_ALL = f"""
SELECT a.organization_id, a.id, t.livemode, a.plan, {COLUMNS}
FROM accounts a JOIN tenants t ON t.account_id = a.id {LATEST}
WHERE %(account)s::text IS NULL OR a.id = %(account)s
ORDER BY a.organization_id, a.id, t.livemode DESC
"""
# A payment is made a moment before it is counted, and may be counted when the month has turned;
# it is never counted before. So no month counts more than were made until its end, and all of
# them together count each payment once.
_PAYMENTS = """
WITH counted AS (
    SELECT tenant_id, month, payments,
        sum(payments) OVER (PARTITION BY tenant_id ORDER BY month) AS until_its_end,
        min(month) OVER (PARTITION BY tenant_id) AS first_month,
        lead(month) OVER (PARTITION BY tenant_id ORDER BY month) IS NULL AS last
    FROM usage_counters
), made AS (
    SELECT tenant_id, coalesce(payment_intent_id, id) AS payment, min(created) AS created
    FROM charges WHERE status = 'succeeded' GROUP BY 1, 2
)
SELECT c.tenant_id, c.month, c.until_its_end, (
    SELECT count(*) FROM made m WHERE m.tenant_id = c.tenant_id
    AND m.created >= (c.first_month || '-01')::date::timestamp AT TIME ZONE 'UTC'
    AND (c.last OR m.created < ((c.month || '-01')::date + interval '1 month 5 minutes')
        AT TIME ZONE 'UTC')
) AS made, c.last
FROM counted c
"""
_STANDING = """
SELECT u.tenant_id, u.month, u.payments_pending, u.wallets, u.webhook_endpoints,
    (SELECT count(*) FROM gateway_attempts a WHERE a.tenant_id = u.tenant_id
        AND a.kind = 'authorize' AND a.state NOT IN ('succeeded', 'failed')),
    (SELECT count(*) FROM wallets w WHERE w.tenant_id = u.tenant_id AND w.status <> 'closed'),
    (SELECT count(*) FROM webhook_endpoints e WHERE e.tenant_id = u.tenant_id
        AND e.slot IS NOT NULL)
FROM usage_counters u WHERE NOT u.closed
"""
_UNCOUNTED = """
SELECT tenant_id, count(*) FROM charges c WHERE status = 'succeeded'
AND NOT EXISTS (SELECT FROM usage_counters u WHERE u.tenant_id = c.tenant_id) GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A side of an account in a month."""

    organization: str
    account: str
    livemode: bool
    plan: str | None
    figures: Figures


def lines(database_url: str, month: str, account: str | None) -> list[Line]:
    with psycopg.connect(database_url, connect_timeout=10) as connection:
        rows = connection.execute(_ALL, {"month": month, "account": account}).fetchall()
    return [
        Line(organization, id, livemode, plan, figures(month, row))
        for organization, id, livemode, plan, *row in rows
    ]


def differences(database_url: str) -> tuple[int, list[str]]:
    """How many months of tenants there are, and where their counters differ from the rows that
    they count. All is read at one instant."""
    with psycopg.connect(database_url, connect_timeout=10) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        found = connection.execute("SELECT count(*) FROM usage_counters").fetchone()
        months = 0 if found is None else int(found[0])
        return months, [*_payments(connection), *_standing(connection)]


def _payments(connection: psycopg.Connection) -> Iterator[str]:
    for tenant, month, counted, made, last in connection.execute(_PAYMENTS):
        if counted > made or (last and counted != made):
            yield (
                f"tenant {tenant}: {counted} payments are counted until the end of {month}, "
                f"{made} were made"
            )
    for tenant, many in connection.execute(_UNCOUNTED):
        yield f"tenant {tenant}: {many} charges, and nothing is counted"


def _standing(connection: psycopg.Connection) -> Iterator[str]:
    names = ("payments_pending", "wallets", "webhook_endpoints")
    for tenant, month, *both in connection.execute(_STANDING):
        counted, there = both[: len(names)], both[len(names) :]
        for name, count, exist in zip(names, counted, there, strict=True):
            if count != exist:
                yield f"tenant {tenant}: {name} is {count} in {month}, and there are {exist}"
