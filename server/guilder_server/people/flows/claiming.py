"""The idempotency key of a request, kept in the transaction of the change that it asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from guilder_server.kernel.steps import Claiming
from guilder_server.people.ports import People

T = TypeVar("T")


async def answered(people: People, claims: Claiming | None, answer: T) -> T:
    """The last thing in a transaction. Raises KeyTaken, which must end it: another request was
    first."""
    if claims is not None:
        await people.claim(await claims(answer))
    return answer


def answering(claims: Claiming, shown: Callable[[Any], object]) -> Claiming:
    """For a flow whose result is not yet what is answered."""
    return lambda result: claims(shown(result))
