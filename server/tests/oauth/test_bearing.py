"""Whom a token stands for: what is remembered, for how long, and what is written down."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from guilder_server.kernel.actor import Actor
from guilder_server.kernel.clock import ManualClock
from guilder_server.kernel.errors import Forbidden, Unauthenticated
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.tenant import Tenant
from guilder_server.oauth.domain import client as rules
from guilder_server.oauth.domain.client import Client, KnownClient
from guilder_server.oauth.domain.refusals import TokenRefused
from guilder_server.oauth.domain.signing import TOKEN_LIFE, SigningKey
from guilder_server.oauth.domain.tokens import BadToken, Expired, claims_of
from guilder_server.oauth.flows.bearing import Bearers
from guilder_server.oauth.flows.granting import GRANT, Asked, Granting, Place
from guilder_server.oauth.flows.guesses import BURST, Guesses
from guilder_server.oauth.flows.keys import SigningKeys
from guilder_server.oauth.infra.signatures import Jose, new_key, purpose
from guilder_server.postgres.seals import Seals
from tests.support.api import SEALING_KEY

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ISSUER = "https://pay.example.com"
SEALS = Seals(SEALING_KEY)
TENANT = Tenant(1, "acct_1", False)
CLIENT = Client(
    "oac_1", 1, NOW, None, ("customers:read",), "client_secret", "api_key", "key_1"
)  # fmt: skip


class Shelf:
    """Clients and signing keys in memory, how often they were asked for, and the audit."""

    def __init__(self) -> None:
        public, private = new_key()
        kid = public["kid"]
        sealed = SEALS.seal(private, purpose(kid))
        self.key = SigningKey(kid, NOW, NOW, NOW + timedelta(days=1), public, sealed)
        self.found = KnownClient(CLIENT, TENANT, "active")
        self.audited: list[tuple[str, str]] = []
        self.asked = self.verified = 0

    async def known(self, id: str) -> KnownClient | None:
        self.asked += 1
        return self.found if id == self.found.client.id else None

    async def all_known(self, ids: Sequence[str]) -> Mapping[str, KnownClient]:
        return {id: self.found for id in ids if id == self.found.client.id}

    async def all(self) -> Sequence[SigningKey]:
        return [self.key]

    async def audit(self, known: KnownClient, actor: Actor, action: str, error: str) -> None:
        self.audited.append((action, error))


class Watched(Jose):
    verifications = 0

    def verified(self, token: str, public: Mapping[str, str]) -> Mapping[str, Any]:
        self.verifications += 1
        return super().verified(token, public)


class Door:
    def __init__(self, *, livemode_allowed: bool = True) -> None:
        self.shelf, self.clock, self.jose = Shelf(), ManualClock(NOW), Watched(SEALS)
        self.seconds = 100.0
        keys = SigningKeys(self.shelf, self.clock, timedelta(days=1), lambda: self.seconds)
        guesses = Guesses(lambda: self.seconds)
        self.bearers = Bearers(
            *(self.shelf, keys, self.jose, self.shelf, guesses, ISSUER, self.clock),
            livemode_allowed=livemode_allowed,
            elapsed=lambda: self.seconds,
        )

    def token(self, livemode: bool = False) -> str:
        claims = claims_of(
            issuer=ISSUER,
            client="oac_1",
            account="acct_1",
            livemode=livemode,
            scopes=("customers:read",),
            jti=str(uuid.uuid4()),
            now=NOW,
            ends=NOW + TOKEN_LIFE,
        )
        return self.jose.sign(claims, self.shelf.key)


async def test_a_signature_is_looked_at_once_and_its_client_every_five_seconds() -> None:
    door = Door()
    token = door.token()
    for _ in range(100):
        bearer = await door.bearers.find(token)
    assert (bearer.tenant, bearer.client) == (TENANT, "oac_1")
    assert bearer.permissions == {"customers:read"}
    assert (door.jose.verifications, door.shelf.asked) == (1, 1)
    door.seconds += 5
    await door.bearers.find(token)
    assert (door.jose.verifications, door.shelf.asked) == (1, 2)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"client": rules.erased(CLIENT, NOW)}, BadToken),
        ({"account_status": "suspended"}, Forbidden),
        ({"account_status": "closed"}, Forbidden),
        ({"tenant": Tenant(2, "acct_2", False)}, BadToken),
        ({"client": replace(CLIENT, id="oac_2")}, BadToken),
    ],
)
async def test_what_has_ended_is_refused_within_five_seconds(
    change: dict[str, Any], refusal: type[Exception]
) -> None:
    door = Door()
    token = door.token()
    await door.bearers.find(token)
    door.shelf.found = replace(door.shelf.found, **change)
    door.seconds += 4.9
    await door.bearers.find(token)
    door.seconds += 0.1
    with pytest.raises(refusal):
        await door.bearers.find(token)


async def test_a_remembered_token_ends_with_its_time_and_with_its_key() -> None:
    door = Door()
    token = door.token()
    await door.bearers.find(token)
    door.clock.advance(TOKEN_LIFE - timedelta(seconds=1))
    await door.bearers.find(token)
    door.clock.advance(timedelta(seconds=1))
    with pytest.raises(Expired):
        await door.bearers.find(token)
    door.clock.instant = NOW
    await door.bearers.find(token)
    # Somebody has taken the key away: it had leaked.
    door.shelf.key = Shelf().key
    door.seconds += 5.1
    with pytest.raises(BadToken, match="unknown key"):
        await door.bearers.find(token)


async def test_live_tokens_are_refused_where_live_mode_is_off() -> None:
    door = Door(livemode_allowed=False)
    door.shelf.found = replace(door.shelf.found, tenant=replace(TENANT, livemode=True))
    with pytest.raises(Unauthenticated, match="GUILDER_MODE=live"):
        await door.bearers.find(door.token(livemode=True))


async def test_a_refused_token_is_audited_where_it_says_it_belongs_and_a_flood_is_not() -> None:
    door = Door()
    header, claims, _ = door.token().split(".")
    await door.bearers.refused(f"{header}.{claims}.forged", "signature")
    assert door.shelf.audited == [("refuse_access_token", "signature")]
    for _ in range(1000):
        await door.bearers.refused(f"{header}.{claims}.forged", "signature")
    assert len(door.shelf.audited) == BURST
    for nobodys in ("a.b.c", "..", "x", f"{header}.e30.x"):
        await door.bearers.refused(nobodys, "malformed")
    assert len(door.shelf.audited) == BURST


async def test_refusals_of_one_client_are_audited_so_often_wherever_they_come_from() -> None:
    shelf = Shelf()
    keys = SigningKeys(shelf, ManualClock(NOW), timedelta(days=1))
    granting = Granting(
        *(shelf, shelf, keys, Jose(SEALS), Guesses(), Place(ISSUER, ISSUER), b"pepper"),
        *(Ids(ManualClock(NOW)), ManualClock(NOW)),
        livemode_allowed=True,
    )  # type: ignore[misc]
    for number in range(40):
        with pytest.raises(TokenRefused):
            await granting.grant(
                Asked({"grant_type": GRANT}, ("oac_1", "guess"), address=f"192.0.2.{number}")
            )
    assert len(shelf.audited) == 20
