"""What is answered where a plan allows no more."""

from __future__ import annotations

from guilder_server.kernel.errors import Forbidden
from guilder_server.usage.domain.meters import STANDING, Meter, end_of
from guilder_server.usage.domain.plans import Plan

CODE = "quota_exceeded"
_CALLED: dict[Meter, str] = {
    "payments": "payments",
    "api_calls": "API calls",
    "wallets": "wallets",
    "webhook_endpoints": "webhook endpoints",
    "storage_bytes": "bytes of storage",
}


def exceeded(plan: Plan, meter: Meter, used: int, month: str) -> Forbidden:
    called, quota = _CALLED[meter], plan.quotas[meter]
    if meter in STANDING:
        allowed = f"{quota:,} {called} at a time, and there are {used:,}"
        way_out = "Close or delete one"
    else:
        ends = end_of(month).strftime("%Y-%m-%d 00:00 UTC")
        allowed = f"{quota:,} {called} a month, of which {used:,} are used in {month}"
        way_out = f"Wait until the month ends, at {ends}"
    return Forbidden(
        f"The plan '{plan.name}' allows {allowed} (meter {meter}). Nothing was changed. "
        f"{way_out}, or ask whoever runs this server for another plan.",
        code="quota_exceeded",
    )
