"""Who does something: what an audit names, and a request is attributed to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

ActorKind: TypeAlias = Literal["api_key", "oauth_client", "user", "operator", "job"]


@dataclass(frozen=True, slots=True)
class Actor:
    """`id` is a key's, a client's or a person's; of a job it is the name, of the operator what
    they came through. `address` is the IP address that they were seen at, where there is one."""

    kind: ActorKind
    id: str
    address: str | None = None
