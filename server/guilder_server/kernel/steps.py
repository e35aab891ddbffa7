"""What a flow gives back: either it is done, or a gateway must be asked first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from guilder_server.kernel.changes import Changes
from guilder_server.kernel.errors import GuilderError
from guilder_server.kernel.tenant import Tenant


@dataclass(frozen=True, slots=True)
class Done:
    """The answer, and the changes that make it true.

    `refusal` is an error that is answered instead of `result`, with the changes committed all
    the same: a declined card is a fact worth keeping.
    """

    result: object
    changes: Changes
    refusal: GuilderError | None = None


Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class Awaiting(Generic[Outcome]):
    """Commit `changes`, then make `call` with no transaction open, then go on with `resume`.

    `resume` may run more than once: it reads again and decides again if a row it relied on
    has changed. `call` never runs twice, and never raises for trouble with the network.
    """

    changes: Changes
    call: Callable[[], Awaitable[Outcome]]
    resume: Callable[[Outcome], Awaitable[Step]]


# What an answer leaves to be kept with the change that it tells of: its idempotency key.
Claiming: TypeAlias = Callable[[object], Coroutine[Any, Any, Changes]]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A change that its store writes in a transaction of its own, and not the committer.

    `write` makes the change. As the last thing in its transaction it says what is answered, and
    claims the idempotency key that it is given back: so the two are there together or not at all.
    It raises KeyTaken, having changed nothing, if another request was first.
    """

    write: Callable[[Claiming], Awaitable[object]]


Step: TypeAlias = "Done | Awaiting[Any]"


class Settler(Protocol):
    async def settle(
        self, tenant: Tenant, step: Step, recovery: dict[str, Any] | None = None
    ) -> None:
        """Carries out what was decided without a request, or, with `recovery`, for one that
        was left waiting. Raises GuardLost when a row has changed meanwhile."""


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of a list, newest first."""

    items: Sequence[object]
    has_more: bool
    next_page: str | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What is left of a deleted object: its id and what it was."""

    id: str
    kind: str
