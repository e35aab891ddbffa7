"""Usage as the wire shows it."""

from __future__ import annotations

from guilder_server import wire
from guilder_server.kernel.clock import unix
from guilder_server.kernel.tenant import Tenant
from guilder_server.usage.domain.meters import METERS, Figures, end_of, first_of
from guilder_server.usage.domain.notice import Notice
from guilder_server.usage.domain.plans import Plan
from guilder_server.usage.domain.used import AccountUsage, Usage


def view_usage(usage: Usage, _tenant: Tenant) -> wire.Usage:
    month = usage.figures.month
    return {
        "object": "usage",
        "livemode": usage.livemode,
        "month": month,
        "starts_at": unix(first_of(month)),
        "ends_at": unix(end_of(month)),
        "plan": usage.plan.name,
        "hard": usage.plan.hard,
        "meters": _meters(usage.plan, usage.figures),
    }


def view_account_usage(usage: AccountUsage, _tenant: Tenant) -> wire.OperatorUsage:
    holder, month = usage.sides.holder, usage.sides.live.month
    return {
        "id": holder.account,
        "object": "operator.usage",
        "account": holder.account,
        "organization": holder.organization,
        "month": month,
        "starts_at": unix(first_of(month)),
        "ends_at": unix(end_of(month)),
        "plan": usage.plan.name,
        "hard": usage.plan.hard,
        "live": _meters(usage.plan, usage.sides.live),
        "test": _meters(usage.plan, usage.sides.test),
    }


def view_notice(notice: Notice, tenant: Tenant) -> wire.UsageNotice:
    return {
        "id": notice.id,
        "object": "usage_notice",
        "created": unix(notice.created),
        "livemode": tenant.livemode,
        "month": notice.month,
        "meter": notice.meter,
        "percent": notice.percent,
        "used": notice.used,
        "limit": notice.quota,
        "hard": notice.hard,
        "plan": notice.plan,
    }


def _meters(plan: Plan, figures: Figures) -> list[wire.UsageMeter]:
    return [
        {
            "meter": meter,
            "used": figures.against_quota(meter),
            "limit": plan.quotas.get(meter),
        }
        for meter in METERS
    ]
