"""Finishing what a crash or a lost reply left in between, by asking the gateway."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import structlog

from guilder_server.gateways.asking import Desk, attempt_of
from guilder_server.gateways.calling import ask
from guilder_server.gateways.domain import attempts
from guilder_server.gateways.domain.attempts import Attempt
from guilder_server.gateways.domain.outcomes import Answer
from guilder_server.gateways.domain.requests import Kind
from guilder_server.kernel.changes import Changes, GuardLost
from guilder_server.kernel.steps import Settler, Step
from guilder_server.kernel.tenant import Tenant

log = structlog.get_logger(__name__)

_AT_ONCE = 50
# How often an answer meets a row that has just been changed. Given up, it is asked for again.
_TRIES = 50
_LONGEST_PAUSE_S = 0.05

Commit: TypeAlias = Callable[[Changes], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class InHand:
    """An attempt that this process has taken over. `changes` must be committed before the
    gateway is asked: they keep every other process off it."""

    changes: Changes
    attempt_id: str
    recovery: dict[str, Any]


async def take_over(desk: Desk, tenant: Tenant, attempt_id: str) -> InHand | None:
    """Take over an attempt whose lease has run out; None if somebody else was faster."""
    attempt = await desk.attempts.find(tenant, attempt_id)
    now = desk.clock.now()
    if attempt is None or not attempt.open or (attempt.lease_until and attempt.lease_until > now):
        return None
    changes = Changes(tenant)
    changes.change(attempt, attempts.lease(attempt, now + desk.lease))
    # What a job began has nobody waiting for its answer.
    waiting = attempt.recovery if "operation" in attempt.recovery else {}
    return InHand(changes, attempt_id, waiting)


async def ask_about(desk: Desk, attempt: Attempt) -> Answer:
    """What the gateway knows of it. Never moves money that was moved already."""
    return await ask(desk.gateway(attempt.gateway), attempt, desk.timeout_ms)


async def until_settled(
    settler: Settler,
    tenant: Tenant,
    decide: Callable[[], Awaitable[Step | None]],
    recovery: dict[str, Any] | None = None,
) -> None:
    """Carry out what `decide` says, which reads and decides again where requests have changed
    something meanwhile. None: there is nothing to be done any more."""
    for turn in range(1, _TRIES + 1):
        step = await decide()
        if step is None:
            return
        try:
            await settler.settle(tenant, step, recovery)
            return
        except GuardLost:
            if turn == _TRIES:
                raise
            # Two that met on a row should not meet again at once.
            await asyncio.sleep(random.random() * _LONGEST_PAUSE_S)  # noqa: S311


class LeftBehind:
    """Attempts of some kinds that nobody has in hand any more. `ask` says what became of one,
    `resolve` writes that down where it belongs."""

    def __init__(
        self,
        desk: Desk,
        kinds: Collection[Kind],
        settler: Settler,
        commit: Commit,
        resolve: Callable[[Tenant, str, Answer], Awaitable[Step]],
        ask: Callable[[Attempt], Awaitable[Answer]] | None = None,
    ) -> None:
        self._desk, self._kinds = desk, kinds
        self._settler, self._commit = settler, commit
        self._resolve, self._ask = resolve, ask or partial(ask_about, desk)

    async def finish(self) -> int:
        """Ask about each of them; how many were looked at.

        All at once: a gateway that lets one question hang would make the others wait for it.
        """
        due = await self._desk.attempts.due(self._desk.clock.now(), _AT_ONCE, self._kinds)
        await asyncio.gather(*(self._finish(*attempt) for attempt in due))
        return len(due)

    async def _finish(self, tenant: Tenant, attempt_id: str) -> None:
        try:
            in_hand = await take_over(self._desk, tenant, attempt_id)
            if in_hand is None:
                return
            try:
                await self._commit(in_hand.changes)
            except GuardLost:
                log.info("attempt_taken_by_another", attempt=attempt_id)
                return
            answer = await self._ask(await attempt_of(self._desk, tenant, attempt_id))
            await until_settled(
                self._settler,
                tenant,
                lambda: self._resolve(tenant, attempt_id, answer),
                in_hand.recovery or None,
            )
            log.info("attempt_asked_about", attempt=attempt_id, answer=type(answer).__name__)
        except Exception:
            # One attempt that cannot be resolved must not hide the others beside it.
            log.exception("attempt_not_resolved", attempt=attempt_id)
