"""The parameters that all lists share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from guilder_server.http.call import Call
from guilder_server.kernel.errors import InvalidRequest
from guilder_server.kernel.lists import CreatedRange, ListQuery

_LAST_SECOND = 253_402_300_799  # the end of the year 9999, past which datetime knows no time


def list_query(call: Call) -> ListQuery:
    """The page that is asked for."""
    params = call.params
    after, before = params.get("starting_after"), params.get("ending_before")
    if after is not None and before is not None:
        raise InvalidRequest(
            "parameters_exclusive",
            "Send starting_after or ending_before, not both.",
            "ending_before",
        )
    return ListQuery(params.get("limit", 10), after, before, _created(params.get("created")))


def filters(call: Call, columns: Mapping[str, str]) -> dict[str, str]:
    """The filters that were sent, under the names of the columns they compare: `columns` has
    the column of each parameter."""
    return {column: call.params[name] for name, column in columns.items() if name in call.params}


def _created(asked: int | dict[str, Any] | None) -> CreatedRange | None:
    """The bounds as instants. The wire knows whole seconds only: "after this second" begins
    with the next one, and "up to this second" ends where the next one begins."""
    if asked is None or asked == {}:
        return None
    bounds = {"gte": asked, "lte": asked} if isinstance(asked, int) else asked
    starts = [bounds[word] + extra for word, extra in (("gt", 1), ("gte", 0)) if word in bounds]
    ends = [bounds[word] + extra for word, extra in (("lt", 0), ("lte", 1)) if word in bounds]
    return CreatedRange(
        gte=_instant(max(starts)) if starts else None,
        lt=_instant(min(ends)) if ends else None,
    )


def _instant(second: int) -> datetime:
    if second > _LAST_SECOND:
        return datetime.max.replace(tzinfo=UTC)
    return datetime.fromtimestamp(second, UTC)
