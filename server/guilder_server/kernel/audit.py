"""What an audit tells of a change: who did what to which object, from where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from guilder_server.kernel.actor import Actor


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """`action` is the operation, or a name of the same form for what no request asked for:
    `create_api_key`, `sign_in`. `object` is the noun of what it was done to. `before` and `after`
    hold what is different about it, in JSON's types and without a secret; None is "was not there".
    """

    id: str
    created: datetime
    actor: Actor
    action: str
    object: str
    object_id: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """Who wants a change set, and what asked for it: an operation, or the name of a job."""

    actor: Actor
    action: str
    request_id: str | None = None


class Touched(NamedTuple):
    """What became of one object. `before` and `after` hold what differs, in JSON's types and
    without a secret; None is "was not there"."""

    object: str
    id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
