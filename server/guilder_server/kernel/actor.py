"""Who does something: what an audit names, and a request is attributed to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
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


_JOB: ContextVar[str] = ContextVar("job", default="worker")


@contextmanager
def at_work(job: str) -> Iterator[None]:
    """What is done in here without a request is done by this job."""
    token = _JOB.set(job)
    try:
        yield
    finally:
        _JOB.reset(token)


def job_at_work() -> Actor:
    return Actor("job", _JOB.get())
