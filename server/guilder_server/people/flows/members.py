"""The people of an account: seen, given other roles, removed, and kept from signing in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from guilder_server.kernel.errors import NotFound, Refused
from guilder_server.people.domain import roles
from guilder_server.people.domain.person import Member, User
from guilder_server.people.flows.claiming import answered
from guilder_server.people.flows.inviting import By
from guilder_server.people.flows.trail import Trail
from guilder_server.people.ports import People, Tools

NOUN = "user"


class Members:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def all(self, account: str | None = None) -> Sequence[Member]:
        async with self._tools.store.transaction() as people:
            if account is not None and await people.account(account) is None:
                raise NotFound("account", account)
            return await people.members(account)

    async def retrieve(self, account: str, user: str) -> Member:
        async with self._tools.store.transaction() as people:
            return await _member(people, account, user)

    async def set_role(self, by: By, account: str, user: str, role: str) -> Member:
        wanted = roles.role(role)
        async with self._tools.store.transaction() as people:
            owners = await people.owners(account)
            before = await _member(people, account, user)
            roles.require_giving(by.standing, before.role, wanted)
            if before.role == wanted:
                return await answered(people, by.claims, before)
            if before.role == "owner":
                _require_other_owner(owners, user)
            after = replace(before, role=wanted)
            await people.put_member(after)
            await self._trail(people, by).member("update_user", before, after)
            return await answered(people, by.claims, after)

    async def remove(self, by: By, account: str, user: str) -> Member:
        """From the account; what they are to others stays."""
        async with self._tools.store.transaction() as people:
            owners = await people.owners(account)
            before = await _member(people, account, user)
            roles.require_giving(by.standing, before.role)
            if before.role == "owner":
                _require_other_owner(owners, user)
            await people.remove_member(account, user)
            await self._trail(people, by).member("delete_user", before, None)
            return await answered(people, by.claims, before)

    async def find(self, named: str) -> User:
        """By id or email."""
        async with self._tools.store.transaction() as people:
            found = await people.user(named)
            found = found or await people.user_of_email(named.strip().lower())
        if found is None:
            raise NotFound(NOUN, named)
        return found

    async def disable(self, by: By, user: str) -> User:
        """They sign in nowhere any more, and their sessions end."""
        now = self._tools.clock.now()
        async with self._tools.store.transaction() as people:
            found = await _user(people, user)
            after = replace(found, disabled_at=found.disabled_at or now)
            await people.change_user(after)
            await people.end_sessions(user, now)
            await self._trail(people, by).user("disable_user", found, after)
        return after

    async def enable(self, by: By, user: str) -> User:
        async with self._tools.store.transaction() as people:
            found = await _user(people, user)
            after = replace(found, disabled_at=None)
            await people.change_user(after)
            await self._trail(people, by).user("enable_user", found, after)
        return after

    async def reset_codes(self, by: By, user: str) -> User:
        """They enrol anew when they next sign in with their password."""
        now = self._tools.clock.now()
        async with self._tools.store.transaction() as people:
            found = await _user(people, user)
            after = replace(found, totp=None, totp_step=None)
            await people.change_user(after)
            await people.forget_recovery_codes(user)
            await people.end_sessions(user, now)
            await self._trail(people, by).user("reset_totp", found, after)
        return after

    def _trail(self, people: People, by: By) -> Trail:
        return Trail(self._tools, people, by.actor, by.request_id)


async def _member(people: People, account: str, user: str) -> Member:
    found = await people.member(account, user)
    if found is None:
        raise NotFound(NOUN, user, NOUN)
    return found


async def _user(people: People, user: str) -> User:
    found = await people.user(user)
    if found is None:
        raise NotFound(NOUN, user)
    return found


def _require_other_owner(owners: Collection[str], user: str) -> None:
    """One who can sign in. `owners` were locked before the member was, each time: two changes at
    once wait for each other, and never each for the other."""
    if not set(owners) - {user}:
        raise Refused(
            "last_owner",
            "This is the account's last owner. Make somebody else an owner first.",
            NOUN,
        )
