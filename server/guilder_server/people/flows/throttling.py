"""How often somebody may guess, and how often it is told that they did: counted in the database,
for all processes."""

from __future__ import annotations

from guilder_server.kernel.neighbours import neighbourhood
from guilder_server.people.domain import passwords, tokens
from guilder_server.people.domain.refusals import Reason
from guilder_server.people.domain.session import Visitor
from guilder_server.people.ports import People, Tools


async def may_try(tools: Tools, people: People, visitor: Visitor, person: str) -> bool:
    """`person` is an id, or an email that perhaps nobody has."""
    now = tools.clock.now()
    # The address first: whoever makes up one person after another leaves no more of them behind,
    # and locks out nobody else.
    for subject, most in (
        (_from_address(tools, visitor), passwords.FROM_ADDRESS),
        (_of_person(tools, person), passwords.OF_PERSON),
    ):
        if await people.count_attempt(subject, now, passwords.WINDOW) > most:
            return False
    return True


async def may_tell(tools: Tools, people: People, account: str, action: str, reason: Reason) -> bool:
    """Whether the trail of an account is yet to hear of a refusal. Who is refused needs no right to
    anything, and a trail is never shortened."""
    subject = tokens.digest(tools.pepper, "attempt", f"told {account} {action} {reason}")
    told = await people.count_attempt(subject, tools.clock.now(), passwords.WINDOW)
    return told <= passwords.TOLD


def guessed_code(of: str) -> str:
    """Whose code is guessed: a person's, or that of one who is nobody yet."""
    return f"code {of}"


async def forget(tools: Tools, people: People, person: str) -> None:
    """Whoever was let in begins anew."""
    await people.forget_attempts(_of_person(tools, person))


def _of_person(tools: Tools, person: str) -> bytes:
    return tokens.digest(tools.pepper, "attempt", f"person {person}")


def _from_address(tools: Tools, visitor: Visitor) -> bytes:
    return tokens.digest(tools.pepper, "attempt", f"address {neighbourhood(visitor.address)}")
