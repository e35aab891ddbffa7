"""Looking into the audit trail through the API."""

from __future__ import annotations

from typing import Any

from tests.support.api import Api

ENTRIES = "/v1/audit_entries"

Entry = dict[str, Any]


def entries(api: Api, **filters: Any) -> list[Entry]:
    """Oldest first, without what the account and its keys were opened with."""
    found = api.get(ENTRIES, limit=100, **filters)["data"][::-1]
    return [one for one in found if one["actor"]["type"] != "operator"]


def actions(api: Api) -> list[str]:
    return [one["action"] for one in entries(api)]


def touched(entry: Entry) -> list[tuple[str, str]]:
    return [(one["object"], one["id"]) for one in entry["changes"]]
