"""The keyring: who a key stands for, and for how long that is remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from guilder_server.kernel.clock import ManualClock
from guilder_server.kernel.errors import Forbidden, Unauthenticated
from guilder_server.kernel.tenant import Tenant
from guilder_server.tenancy.domain import keys
from guilder_server.tenancy.domain.keys import KeyRecord
from guilder_server.tenancy.flows import remembering
from guilder_server.tenancy.flows.keyring import Keyring

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 20, tzinfo=UTC)
PEPPER = b"pepper"
KEY = keys.new_key("secret", False)
RECORD = KeyRecord("key_1", Tenant(1, "acct_1", False), "secret", KEY[-4:], None, None)


class Shelf:
    """Keys in memory, and how often it was asked."""

    def __init__(self) -> None:
        self.records = {keys.digest(PEPPER, KEY): RECORD}
        self.asked = 0

    async def find(self, digest: bytes) -> KeyRecord | None:
        self.asked += 1
        return self.records.get(digest)

    async def find_all(self, digests: Sequence[bytes]) -> Mapping[bytes, KeyRecord]:
        return {digest: self.records[digest] for digest in digests if digest in self.records}

    def change(self, **fields: object) -> None:
        self.records = {digest: replace(RECORD, **fields) for digest in self.records}


class Elapsed:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def elapsed() -> Elapsed:
    return Elapsed()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def keyring(shelf: Shelf, clock: ManualClock, elapsed: Elapsed) -> Keyring:
    return Keyring(shelf, PEPPER, clock, elapsed=elapsed)


async def test_a_key_is_found(keyring: Keyring) -> None:
    assert await keyring.find(KEY) == RECORD


async def test_a_malformed_key_is_not_asked_for(keyring: Keyring, shelf: Shelf) -> None:
    assert await keyring.find(KEY[:-1] + ("0" if KEY[-1] != "0" else "1")) is None
    assert await keyring.find("sk_test_4eC39HqLyjWDarjtT1zdp7dc") is None
    assert await keyring.find("") is None
    assert shelf.asked == 0


async def test_a_key_is_asked_for_again_after_five_seconds(
    keyring: Keyring, shelf: Shelf, elapsed: Elapsed
) -> None:
    await keyring.find(KEY)
    elapsed.seconds += 4.9
    await keyring.find(KEY)
    assert shelf.asked == 1
    elapsed.seconds += 0.2
    await keyring.find(KEY)
    assert shelf.asked == 2


async def test_a_revoked_key_is_refused_within_five_seconds(
    keyring: Keyring, shelf: Shelf, elapsed: Elapsed
) -> None:
    await keyring.find(KEY)
    shelf.change(revoked_at=NOW)
    elapsed.seconds += 5
    assert await keyring.find(KEY) is None


async def test_an_expired_key_is_refused_by_its_name(
    keyring: Keyring, shelf: Shelf, clock: ManualClock
) -> None:
    shelf.change(expires_at=NOW + timedelta(seconds=2))
    assert await keyring.find(KEY) is not None
    clock.advance(timedelta(seconds=2))
    with pytest.raises(Unauthenticated) as refused:
        await keyring.find(KEY)
    assert refused.value.code == "api_key_expired"
    assert refused.value.message == f"This API key has expired: sk_test_****{KEY[-4:]}"


@pytest.mark.parametrize(
    ("status", "code"), [("suspended", "account_suspended"), ("closed", "account_closed")]
)
async def test_an_account_that_is_not_active_is_let_in_nowhere_within_five_seconds(
    keyring: Keyring, shelf: Shelf, elapsed: Elapsed, status: str, code: str
) -> None:
    await keyring.find(KEY)
    shelf.change(account_status=status)
    elapsed.seconds += 5
    with pytest.raises(Forbidden, match="acct_1") as refused:
        await keyring.find(KEY)
    assert refused.value.code == code
    assert shelf.asked == 2  # once each time: the status comes with the key
    shelf.change(account_status="active")
    elapsed.seconds += 5
    assert await keyring.find(KEY) is not None


async def test_a_revoked_key_learns_nothing_of_its_account(keyring: Keyring, shelf: Shelf) -> None:
    shelf.change(revoked_at=NOW, account_status="suspended")
    assert await keyring.find(KEY) is None


async def test_an_unknown_key_is_remembered_for_a_second(
    keyring: Keyring, shelf: Shelf, elapsed: Elapsed
) -> None:
    unknown = keys.new_key("secret", False)
    assert await keyring.find(unknown) is None
    assert await keyring.find(unknown) is None
    assert shelf.asked == 1
    shelf.records[keys.digest(PEPPER, unknown)] = RECORD
    elapsed.seconds += 1
    assert await keyring.find(unknown) == RECORD


async def test_a_flood_of_invented_keys_fills_no_memory_and_forgets_no_key(
    keyring: Keyring, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembering, "MOST_REMEMBERED", 10)
    await keyring.find(KEY)
    for _ in range(100):
        await keyring.find(keys.new_key("secret", False))
    assert len(keyring._records._unknown) == 10
    asked = shelf.asked
    await keyring.find(KEY)
    assert shelf.asked == asked


async def test_live_keys_are_refused_where_live_mode_is_off(
    shelf: Shelf, clock: ManualClock
) -> None:
    keyring = Keyring(shelf, PEPPER, clock, livemode_allowed=False)
    assert await keyring.find(KEY) == RECORD
    with pytest.raises(Unauthenticated, match="GUILDER_MODE=live"):
        await keyring.find(keys.new_key("secret", True))
    assert shelf.asked == 1
