"""People over HTTP: the members of the account, its invitations, and one's own sessions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

from guilder_server.http.auth import Credential, permitted
from guilder_server.http.call import Call
from guilder_server.http.errors import Throttled
from guilder_server.http.lists import list_query
from guilder_server.kernel.changes import KeyTaken
from guilder_server.kernel.errors import (
    Forbidden,
    GuilderError,
    InvalidRequest,
    NoSuchReference,
    NotFound,
)
from guilder_server.kernel.steps import Claiming, Elsewhere, Page, Tombstone
from guilder_server.kernel.tenant import Tenant
from guilder_server.people.domain import invitation, passwords, session, tokens
from guilder_server.people.domain.invitation import Seen
from guilder_server.people.domain.person import Member
from guilder_server.people.domain.recovery import RecoveryCodes
from guilder_server.people.domain.refusals import ProofRefused
from guilder_server.people.domain.roles import Standing
from guilder_server.people.domain.session import Known, Place, SeenSession, Visitor
from guilder_server.people.flows import members
from guilder_server.people.flows.claiming import answering
from guilder_server.people.flows.inviting import By, Inviting
from guilder_server.people.flows.members import Members
from guilder_server.people.flows.renewing import Asking, Renewing
from guilder_server.people.flows.sessions import Sessions

T = TypeVar("T")


class UsersApi:
    def __init__(self, flows: Members, roles: RolesOf) -> None:
        self._flows, self._roles = flows, roles

    async def list_users(self, call: Call) -> Page:
        listed = await self._flows.all(call.tenant.account)
        return _page(call, listed, members.NOUN, lambda member: member.user.id)

    async def retrieve_user(self, call: Call) -> Member:
        return await self._flows.retrieve(call.tenant.account, call.path["user"])

    async def update_user(self, call: Call) -> Member | Elsewhere:
        by = await self._roles.asking(call)
        account, user = call.tenant.account, call.path["user"]
        if "role" not in call.params:
            return await self._flows.retrieve(account, user)
        self._roles.require_held(call, call.params["role"])
        role = call.params["role"]
        return Elsewhere(
            lambda claims: self._flows.set_role(replace(by, claims=claims), account, user, role)
        )

    async def delete_user(self, call: Call) -> Elsewhere:
        by = await self._roles.asking(call)
        account, user = call.tenant.account, call.path["user"]

        def write(claiming: Claiming) -> Awaitable[Member]:
            claims = answering(claiming, lambda _: Tombstone(user, members.NOUN))
            return self._flows.remove(replace(by, claims=claims), account, user)

        return Elsewhere(write)


class InvitationsApi:
    def __init__(self, flows: Inviting, roles: RolesOf) -> None:
        self._flows, self._roles = flows, roles

    async def create_invitation(self, call: Call) -> Elsewhere:
        by = await self._roles.asking(call)
        account, email, role = call.tenant.account, call.params["email"], call.params["role"]
        self._roles.require_held(call, role)
        return Elsewhere(
            lambda claims: self._flows.invite(replace(by, claims=claims), account, email, role)
        )

    async def list_invitations(self, call: Call) -> Page:
        listed = await self._flows.all(call.tenant.account)
        return _page(call, listed, invitation.NOUN, lambda seen: seen.invitation.id)

    async def retrieve_invitation(self, call: Call) -> Seen:
        return await self._flows.retrieve(call.tenant.account, call.path["invitation"])

    async def revoke_invitation(self, call: Call) -> Elsewhere:
        by = await self._roles.asking(call)
        account, id = call.tenant.account, call.path["invitation"]
        return Elsewhere(lambda claims: self._flows.revoke(replace(by, claims=claims), account, id))


class Once:
    """For a change that takes a proof: whoever repeats the request proves themselves with what no
    longer counts, a password that is another by now or a code that was taken. A key that has its
    answer is therefore looked up first, or the repetition would be a guess. `answered` finds what
    a key has answered."""

    def __init__(self, answered: Callable[[Tenant, str], Awaitable[object | None]]) -> None:
        self._answered = answered

    async def __call__(self, call: Call) -> None:
        """Raises KeyTaken."""
        key = call.idempotency_key
        if key is not None and await self._answered(call.tenant, key) is not None:
            raise KeyTaken(key)


class SessionsApi:
    def __init__(self, flows: Sessions, renewing: Renewing, once: Once) -> None:
        self._flows, self._renewing, self._once = flows, renewing, once

    async def list_sessions(self, call: Call) -> Page:
        list_query(call)  # what is wrong with the request is wrong whoever asks
        person, current = _person(call)
        seen = await self._flows.seen(current, person)
        listed = [
            SeenSession(one, seen.user, one.id == current) for one in await self._flows.mine(person)
        ]
        return _page(call, listed, session.NOUN, lambda one: one.session.id)

    async def retrieve_current_session(self, call: Call) -> SeenSession:
        person, current = _person(call)
        return await self._flows.seen(current, person)

    async def revoke_session(self, call: Call) -> Elsewhere:
        if call.credential.session is None:
            raise NotFound(session.NOUN, call.path["session"], session.NOUN)
        person, current = _person(call)
        id, visitor = call.path["session"], Visitor("", call.address)

        def write(claiming: Claiming) -> Awaitable[object]:
            claims = answering(
                claiming, lambda ended: SeenSession(ended[0], ended[1], id == current)
            )
            return self._flows.revoke(
                id, person, visitor, request_id=call.request_id, claims=claims
            )

        return Elsewhere(write)

    async def change_password(self, call: Call) -> Elsewhere:
        asking, params = _asking(call), call.params
        await self._once(call)
        seen = await self._flows.seen(asking.session, asking.user)
        # The answer may be kept, and its proof of where requests come from is a secret.
        shown = replace(seen, csrf_token=None)

        def write(claiming: Claiming) -> Awaitable[object]:
            claims = answering(claiming, lambda _: shown)
            return _proved(
                self._renewing.change_password(
                    replace(asking, claims=claims), params["old_password"], params["new_password"]
                )
            )

        return Elsewhere(write)

    async def create_recovery_codes(self, call: Call) -> Elsewhere:
        asking, params = _asking(call), call.params
        await self._once(call)

        def write(claiming: Claiming) -> Awaitable[object]:
            claims = answering(claiming, RecoveryCodes)
            return _proved(
                self._renewing.recovery_codes(
                    replace(asking, claims=claims), params["password"], params["code"]
                )
            )

        return Elsewhere(write)


class RolesOf:
    """Who asks for a change to people: read anew, as what a role may give is more than what a
    request remembers. `roles` are the contract's."""

    def __init__(
        self, flows: Members, roles: Mapping[str, frozenset[str]], *, livemode_allowed: bool
    ) -> None:
        self._flows, self._roles = flows, roles
        self._livemode_allowed = livemode_allowed

    async def asking(self, call: Call) -> By:
        standing: Standing = "key"
        if call.credential.kind == "user":
            account, id = call.tenant.account, call.credential.id
            standing = (await self._flows.retrieve(account, id)).role
        return By(call.actor, standing, call.request_id)

    def require_held(self, call: Call, role: str) -> None:
        """A key makes nobody who may do more than itself: in both modes, from everywhere and
        for good."""
        credential = call.credential
        if credential.kind == "user":
            return
        if self._livemode_allowed and not call.tenant.livemode:
            raise Forbidden(
                "People are let into both modes, so a test mode key cannot say what they may do. "
                "Use a live mode key, or let an owner of the account do this."
            )
        if credential.networks:
            raise Forbidden(
                "The provided key is let in from certain addresses only, so it cannot say what "
                "people may do: they are let in from everywhere."
            )
        if credential.ends is not None:
            raise Forbidden(
                "People are let in for good, and the provided key expires, so it cannot say what "
                "they may do. Use a key that does not expire, or let an owner of the account do "
                "this.",
                code="maker_expires",
                param="role",
            )
        for one in sorted(self._roles[role]):
            # Everybody has their own sessions, and keys have none.
            if not one.startswith("sessions:") and not permitted(credential.permissions, one):
                raise Forbidden(
                    f"The provided key does not have the permission '{one}', so it cannot make "
                    f"anybody {role}."
                )


class PersonCredentials:
    """Sessions as HTTP wants them: a credential for a token. `roles` are the contract's."""

    def __init__(
        self,
        flows: Sessions,
        roles: Mapping[str, frozenset[str]],
        *,
        cookie: str,
        origin: str,
        livemode_allowed: bool,
    ) -> None:
        self._flows, self._roles = flows, roles
        self.cookie, self.origin = cookie, origin
        self._livemode_allowed = livemode_allowed

    async def find(self, token: str, account: str | None, livemode: bool) -> Credential:
        known = await self._flows.find(token)
        place = _place(known, account)
        if place.status != "active":
            code = "account_closed" if place.status == "closed" else "account_suspended"
            raise Forbidden(f"The account {place.account} is {place.status}.", code=code)
        if livemode and not self._livemode_allowed:
            raise Forbidden(
                "This server does not take live mode. Send Stripe-Livemode: false, or set "
                "GUILDER_MODE=live on the server."
            )
        return Credential(
            Tenant(place.live if livemode else place.test, place.account, livemode),
            "user",
            known.user.id,
            self._roles.get(place.role, frozenset()),
            session=known.session.id,
            plan=place.plan,
        )

    def proves(self, session: str, csrf_token: str) -> bool:
        return tokens.same(self._flows.csrf_token(session), csrf_token)


def _place(known: Known, account: str | None) -> Place:
    """The account that is meant: the one that is named, or the only one."""
    if account is None:
        if len(known.places) == 1:
            return known.places[0]
        if known.places:
            raise InvalidRequest(
                "parameter_missing",
                "You are a member of several accounts: name one with Stripe-Account.",
            )
        raise Forbidden("You are not a member of any account. Ask for an invitation.")
    found = next((place for place in known.places if place.account == account), None)
    if found is None:
        raise Forbidden(
            f"You are not a member of account '{account[:64]}', or that account does not exist.",
            code="account_invalid",
        )
    return found


def _person(call: Call) -> tuple[str, str]:
    """Who asks, and through which session."""
    if call.credential.session is None:
        raise Forbidden(
            "Sessions are people's own: a key has none. Sign in at /sign-in, and send the cookie."
        )
    return call.credential.id, call.credential.session


def _asking(call: Call) -> Asking:
    person, current = _person(call)
    return Asking(person, current, Visitor("", call.address), call.request_id)


async def _proved(change: Awaitable[T]) -> T:
    """Raises GuilderError for what HTTP is told of a proof that is none."""
    try:
        return await change
    except ProofRefused as refused:
        raise _unproved(refused) from None


def _unproved(refused: ProofRefused) -> GuilderError:
    match refused.reason:
        case "password_wrong":
            return Forbidden(refused.message, code="password_wrong")
        case "code_wrong":
            return Forbidden(refused.message, code="code_wrong")
        case "code_reused":
            return Forbidden(refused.message, code="code_reused")
        case "throttled":
            wait_s = passwords.WINDOW.total_seconds()
            return Throttled(refused.message, "resource-specific", wait_s)
        case _:
            return refused


def _page(call: Call, listed: Sequence[T], noun: str, id_of: Callable[[T], str]) -> Page:
    """The people of an account are few: they are all read, and a page of them is shown."""
    query = list_query(call)
    items, backwards = list(listed), query.ending_before is not None
    cursor = query.ending_before if backwards else query.starting_after
    if cursor is not None:
        places = [place for place, one in enumerate(items) if id_of(one) == cursor]
        if not places:
            raise NoSuchReference(noun, cursor, "ending_before" if backwards else "starting_after")
        items = items[: places[0]] if backwards else items[places[0] + 1 :]
    page = items[-query.limit :] if backwards else items[: query.limit]
    return Page(cast("list[Any]", page), has_more=len(items) > query.limit)
