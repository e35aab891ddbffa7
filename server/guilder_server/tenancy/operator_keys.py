"""The keys of any account, handed out over HTTP: the desk of the commands, one transaction a wish.

The desk writes for itself, and claims the request's idempotency key in the same transaction: a
request that is repeated, also at the same moment, makes nothing and is answered what the first was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import psycopg

from guilder_server.http.call import Call
from guilder_server.http.lists import list_query
from guilder_server.kernel.errors import NoSuchReference, NotFound, Unavailable
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Claiming, Elsewhere, Page
from guilder_server.tenancy.administration import Desk, desk
from guilder_server.tenancy.domain.keys import IssuedKey, KeyStatus

T = TypeVar("T")

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class HandedOut:
    """A key as whoever runs the server is shown it. `token` is the key itself, where it was just
    made."""

    key: IssuedKey
    status: KeyStatus
    token: str | None = None
    replaces: str | None = None

    def __repr__(self) -> str:
        return f"HandedOut({self.key!r})"


class OperatorKeys:
    """`declared` are the permissions that there are."""

    def __init__(self, database_url: str, pepper: bytes, declared: Collection[str]) -> None:
        self._url, self._pepper, self._declared = database_url, pepper, declared

    async def page(self, call: Call) -> Page:
        account = call.path["account"]
        keys = await self._at_desk(call, lambda at: [*map(at.shown, at.keys.all(account))])
        return _page([HandedOut(*one) for one in keys[::-1]], list_query(call))

    def create(self, call: Call) -> Elsewhere:
        given, account = call.params, call.path["account"]
        lives = given.get("expires_in_s")

        def create(at: Desk) -> HandedOut:
            made = at.keys.create(
                account,
                livemode=given["livemode"],
                kind=given["kind"],
                permissions=given.get("permissions", ()),
                name=given.get("name"),
                expires_in=None if lives is None else timedelta(seconds=lives),
            )
            return HandedOut(*at.shown(made.key), token=made.token)

        return self._written(call, create)

    def roll(self, call: Call) -> Elsewhere:
        account, id = call.path["account"], call.path["key"]
        overlap = timedelta(seconds=call.params.get("overlap_s", _DAY_S))

        def roll(at: Desk) -> HandedOut:
            _of_account(at, account, id)
            made, _ = at.keys.roll(id, overlap)
            return HandedOut(*at.shown(made.key), token=made.token, replaces=id)

        return self._written(call, roll)

    def revoke(self, call: Call) -> Elsewhere:
        account, id = call.path["account"], call.path["key"]

        def revoke(at: Desk) -> HandedOut:
            _of_account(at, account, id)
            key = at.keys.revoke(id)
            return HandedOut(*at.shown(key))

        return self._written(call, revoke)

    def _written(self, call: Call, act: Callable[[Desk], HandedOut]) -> Elsewhere:
        async def write(claiming: Claiming) -> None:
            loop = asyncio.get_running_loop()

            def done(at: Desk) -> None:
                # Answers are made where requests are, and this runs in a thread of its own.
                at.claim(asyncio.run_coroutine_threadsafe(claiming(act(at)), loop).result())

            await self._at_desk(call, done)

        return Elsewhere(write)

    async def _at_desk(self, call: Call, act: Callable[[Desk], T]) -> T:
        def run() -> T:
            with desk(self._url, self._pepper, self._declared, call.actor, call.request_id) as at:
                return act(at)

        try:
            return await asyncio.to_thread(run)
        except psycopg.OperationalError:
            raise Unavailable("The database did not answer. Try again in a moment.") from None


def _of_account(at: Desk, account: str, id: str) -> None:
    if id not in {key.id for key in at.keys.all(account)}:
        raise NotFound("API key", id)


def _page(keys: Sequence[HandedOut], query: ListQuery) -> Page:
    """Of all the keys of an account, newest first: there are few."""
    ids = [one.key.id for one in keys]
    for param, cursor in (
        ("starting_after", query.starting_after),
        ("ending_before", query.ending_before),
    ):
        if cursor is not None and cursor not in ids:
            raise NoSuchReference("API key", cursor, param)
    if query.ending_before is not None:
        before = keys[: ids.index(query.ending_before)]
        return Page(before[-query.limit :], len(before) > query.limit)
    after = keys if query.starting_after is None else keys[ids.index(query.starting_after) + 1 :]
    return Page(after[: query.limit], len(after) > query.limit)
