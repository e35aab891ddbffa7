"""`guilder trigger`: make an event happen, by doing through the API what it is about."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from guilder_server.commands.desk.api_address import Whereabouts
from guilder_server.commands.desk.api_client import ApiClient
from guilder_server.commands.desk.api_trouble import Untriggerable
from guilder_server.commands.desk.event_lines import say
from guilder_server.commands.desk.event_types import unknown
from guilder_server.commands.desk.happenings import HAPPENINGS, NOT_AT_WILL, SLOW
from guilder_server.commands.desk.sandbox_objects import SandboxObjects

_TEST_KEYS = ("sk_test_", "rk_test_")
_PATIENCE_S = 10
_LONG_PATIENCE_S = 30
_EVERY_S = 0.1


def triggerable(name: str) -> str:
    """`name`, if it is a type that can be made to happen."""
    if name in NOT_AT_WILL:
        raise Untriggerable(f"{name} cannot be made to happen at will: {NOT_AT_WILL[name]}")
    if name not in HAPPENINGS:
        raise unknown(name, tuple(HAPPENINGS))
    return name


def show_types() -> int:
    for name in HAPPENINGS:
        say(name)
    return 0


def trigger(whereabouts: Whereabouts, type: str) -> int:
    return asyncio.run(_trigger(whereabouts, type))


async def _trigger(whereabouts: Whereabouts, type: str) -> int:
    address = whereabouts.find()
    if not address.api_key.startswith(_TEST_KEYS):
        raise Untriggerable(
            "Only a secret test key (sk_test_..., rk_test_...) may make things happen: "
            "with another they might be real."
        )
    api = ApiClient(address, "trigger")
    objects = SandboxObjects(api)
    try:
        subject = await HAPPENINGS[type](objects)
        event = await _event_about(api, type, subject["id"])
    finally:
        # Also where it failed halfway: these exist now.
        for made in objects.made.values():
            say(_as_line(made))
        await api.close()
    say(f"{'event':15} {event['id']}  {event['type']}")
    return 0


async def _event_about(api: ApiClient, type: str, subject: str) -> dict[str, Any]:
    patience_s = _LONG_PATIENCE_S if type in SLOW else _PATIENCE_S
    deadline = time.monotonic() + patience_s
    while True:
        answer = await api.get("/v1/events", [("type", type), ("limit", 100)])
        event: dict[str, Any]
        for event in answer.body["data"]:
            if event["data"]["object"]["id"] == subject:
                return event
        if time.monotonic() > deadline:
            raise Untriggerable(f"No {type} about {subject} was seen within {patience_s} s.")
        await asyncio.sleep(_EVERY_S)


def _as_line(made: dict[str, Any]) -> str:
    status = "deleted" if made.get("deleted") else made.get("status", "")
    return f"{made['object']:15} {made['id']}  {status}".rstrip()
