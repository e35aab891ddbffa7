"""What a sign-in remembers from one step to the next: for one browser, once, for ten minutes."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from guilder_server.people.domain import state as states
from guilder_server.people.domain import tokens
from guilder_server.people.domain.invitation import Invitation
from guilder_server.people.domain.refusals import Reason
from guilder_server.people.domain.session import Visitor
from guilder_server.people.domain.state import State, StateKind
from guilder_server.people.ports import People, Tools

_PURPOSE = b"a sign-in that is under way "


@dataclass(frozen=True, slots=True)
class Kept:
    """A state that may go on, and what it holds."""

    digest: bytes
    state: State
    holds: dict[str, Any]


async def keep(
    tools: Tools,
    people: People,
    visitor: Visitor,
    kind: StateKind,
    holds: dict[str, Any],
    *,
    user: str | None = None,
    invitation: Invitation | None = None,
) -> str:
    """A token that only this browser can go on with."""
    now, token = tools.clock.now(), tokens.new()
    digest = tokens.digest(tools.pepper, "state", token)
    state = State(
        kind=kind,
        browser=tokens.digest(tools.pepper, "browser", visitor.browser),
        sealed=tools.seals.seal(json.dumps(holds).encode(), _PURPOSE + digest),
        created=now,
        expires_at=now + states.LIFETIME,
        user_id=user,
        invitation_id=None if invitation is None else invitation.id,
        account_id=None if invitation is None else invitation.account,
    )
    await people.add_state(digest, state)
    return token


async def kept(
    tools: Tools, people: People, visitor: Visitor, token: str, kinds: Collection[str]
) -> tuple[Kept | None, State | None, Reason]:
    """What the token stands for; else the state as far as there is one, and why not."""
    digest = tokens.digest(tools.pepper, "state", token)
    state = await people.state(digest)
    if state is None or state.kind not in kinds:
        return None, None, "state_unknown"
    if state.used_at is not None:
        return None, state, "state_replayed"
    browser = tokens.digest(tools.pepper, "browser", visitor.browser)
    if not tokens.same(state.browser, browser):
        return None, state, "state_of_another_browser"
    if state.expires_at <= tools.clock.now():
        return None, state, "state_expired"
    holds = json.loads(tools.seals.open(state.sealed, _PURPOSE + digest))
    return Kept(digest, state, holds), state, "state_unknown"


async def invitation_of(people: People, state: State) -> Invitation | None:
    """The invitation that a sign-in began at."""
    if state.invitation_id is None or state.account_id is None:
        return None
    return await people.invitation(state.account_id, state.invitation_id)
