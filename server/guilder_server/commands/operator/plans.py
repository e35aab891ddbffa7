"""`guilder plans`: what accounts may be on, by the file that GUILDER_PLANS names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from guilder_server.commands.operator.books import Denied
from guilder_server.commands.operator.showing import show_list, show_table
from guilder_server.settings import Settings

if TYPE_CHECKING:
    from guilder_server.usage import Plan, Plans


def plans_of(settings: Settings) -> Plans:
    from guilder_server.usage import plans_in

    return plans_in(settings.plans)


def require_plan(settings: Settings, name: str | None) -> None:
    """Raises Denied for a plan that there is not."""
    known = plans_of(settings).by_name
    if name is not None and name not in known:
        raise Denied(
            f"There is no plan {name!r}. There are: {', '.join(sorted(known))}. "
            "`guilder plans list` shows them; GUILDER_PLANS names their file.",
            2,
        )


def show_all(settings: Settings, *, json: bool) -> int:
    from guilder_server.usage import METERS

    plans = plans_of(settings)
    if json:
        show_list([_document(plan, plans) for plan in plans.by_name.values()])
        return 0
    show_table(
        ("PLAN", "QUOTAS", *(meter.upper() for meter in METERS), "LIVE/S", "TEST/S", "AT ONCE"),
        [
            (
                plan.name + (" (default)" if plan is plans.default else ""),
                "hard" if plan.hard else "soft",
                *(_shown(plan.quotas.get(meter)) for meter in METERS),
                _shown(plan.live_per_s),
                _shown(plan.test_per_s),
                _shown(plan.concurrency),
            )
            for plan in plans.by_name.values()
        ],
    )
    return 0


def _shown(limit: int | None) -> str | None:
    return None if limit is None else f"{limit:,}"


def _document(plan: Plan, plans: Plans) -> dict[str, Any]:
    from guilder_server.usage import METERS

    return {
        "object": "plan",
        "name": plan.name,
        "default": plan is plans.default,
        "hard": plan.hard,
        "quotas": {meter: plan.quotas.get(meter) for meter in METERS},
        "rates": {
            "live_per_s": plan.live_per_s,
            "test_per_s": plan.test_per_s,
            "concurrency": plan.concurrency,
        },
    }
