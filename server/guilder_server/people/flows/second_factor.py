"""What somebody has beside their password: an authenticator, and codes on paper for without it."""

from __future__ import annotations

from guilder_server.people.domain import recovery, tokens
from guilder_server.people.domain.person import User
from guilder_server.people.domain.refusals import Reason
from guilder_server.people.ports import People, Tools

_SECRET = b"the secret of the codes of "


def sealed(tools: Tools, user: str, secret: str) -> bytes:
    return tools.seals.seal(secret.encode(), _SECRET + user.encode())


async def take_code(tools: Tools, people: People, user: User | None, code: str) -> Reason | None:
    """None when it was right, and was never taken before."""
    if user is None or user.totp is None or user.disabled_at is not None:
        return "user_disabled"
    secret = tools.seals.open(user.totp, _SECRET + user.id.encode()).decode()
    step = tools.codes.step(secret, code, tools.clock.now())
    if step is None:
        return "code_wrong"
    return None if await people.take_step(user.id, step) else "code_reused"


async def take_recovery_code(
    tools: Tools, people: People, user: User | None, code: str
) -> Reason | None:
    """None when it was right; it is gone then. One that was used is as wrong as any other."""
    if user is None or user.totp is None or user.disabled_at is not None:
        return "user_disabled"
    given = recovery.as_kept(code)
    if given is None or not await people.take_recovery_code(
        user.id, _digest(tools, user.id, given)
    ):
        return "recovery_code_wrong"
    return None


async def new_recovery_codes(tools: Tools, people: People, user: str) -> tuple[str, ...]:
    """In the place of those that they had. They are told this once."""
    codes = tuple(recovery.new() for _ in range(recovery.HOW_MANY))
    kept = [recovery.as_kept(code) or "" for code in codes]
    await people.forget_recovery_codes(user)
    await people.add_recovery_codes(user, [_digest(tools, user, each) for each in kept])
    return codes


def _digest(tools: Tools, user: str, code: str) -> bytes:
    # 80 random bits need no slow hash, which would have to be tried on each of the ten; and
    # without the pepper a copy of the database has nothing to try guesses on.
    return tokens.digest(tools.pepper, "recovery", f"{user} {code}")
