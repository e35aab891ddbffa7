"""What listeners hear of: the events of an account, oldest first."""

from __future__ import annotations

from typing import Any

from tests.support.api import Api


def events(api: Api) -> list[dict[str, Any]]:
    return list(reversed(api.get("/v1/events", limit=100)["data"]))


def types(api: Api) -> list[str]:
    return [event["type"] for event in events(api)]


class News:
    """What has happened since the last look."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._seen = len(events(api))

    def __call__(self) -> list[str]:
        return [event["type"] for event in self.whole()]

    def whole(self) -> list[dict[str, Any]]:
        fresh = events(self._api)[self._seen :]
        self._seen += len(fresh)
        return fresh
