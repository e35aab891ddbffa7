"""Events as lines: for a person at a terminal, or as NDJSON for a program."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

import msgspec

from guilder_server.commands.desk.http_trouble import IN_WORDS
from guilder_server.webhooks.domain.replies import Reply


def say(line: str) -> None:
    """At once: somebody watches, or reads from a pipe."""
    print(line, flush=True)


def notice(line: str) -> None:
    """What is not an event goes beside the events, and never between them."""
    print(line, file=sys.stderr, flush=True)


def as_line(event: dict[str, Any], reply: Reply | None = None) -> str:
    happened = datetime.fromtimestamp(event["created"]).astimezone()
    line = f"{happened:%H:%M:%S}  {event['type']:39} {event['id']}"
    return line if reply is None else f"{line}  {_in_words(reply)}"


def as_json(event: dict[str, Any]) -> str:
    return msgspec.json.encode(event).decode()


def as_json_of_delivery(event: dict[str, Any], reply: Reply | None) -> str:
    told = {"id": event["id"], "type": event["type"], "created": event["created"]}
    if reply is not None:
        told["status"] = reply.status
        told["trouble"] = reply.trouble
        told["latency_ms"] = reply.latency_ms
    return as_json(told)


def _in_words(reply: Reply) -> str:
    if reply.trouble is not None:
        return f"{IN_WORDS[reply.trouble]} ({reply.trouble}, {reply.latency_ms} ms)"
    return f"{reply.status}  {reply.latency_ms} ms"
