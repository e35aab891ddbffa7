"""Accounts and keys in the hands of those who run the server, on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from guilder_server.kernel.clock import ManualClock, SystemClock
from guilder_server.kernel.errors import Forbidden, InvalidRequest, NotFound, Refused
from guilder_server.settings import Settings
from guilder_server.tenancy.administration import Desk, desk, desk_on
from guilder_server.tenancy.api import Credentials
from guilder_server.tenancy.bootstrap import ensure_dev_account
from guilder_server.tenancy.domain.keys import IssuedKey, NewKey
from guilder_server.tenancy.flows.keyring import Keyring
from guilder_server.tenancy.infra.registry import transaction
from guilder_server.tenancy.infra.store import PostgresKeys
from tests.tenancy.database import Database, opened

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SETTINGS = Settings(key_pepper="p" * 32)
PEPPER = SETTINGS.key_pepper.encode()
DECLARED = frozenset({"charges:read", "charges:write", "customers:read", "customers:write"})
DAY = timedelta(days=1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def at_desk(database_url: str, clock: ManualClock) -> Iterator[Desk]:
    with transaction(database_url) as connection:
        yield desk_on(connection, PEPPER, DECLARED, clock)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with opened(database_url, []) as database:
        yield database


@pytest.fixture
def credentials(database: Database) -> Credentials:
    """A keyring that remembers nothing from one question to the next."""
    passing = iter(range(0, 10**9, 3600))
    keyring = Keyring(
        PostgresKeys(database.reads), PEPPER, SystemClock(), elapsed=lambda: next(passing)
    )
    return Credentials(keyring)


def a_key(at: Desk, lifetime: timedelta | None = None) -> NewKey:
    account = at.accounts.create().id
    return at.keys.create(
        account,
        livemode=True,
        kind="restricted",
        permissions=["customers:read"],
        name="till",
        expires_in=lifetime,
    )


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        act()
    assert caught.value.code == "status_transition_invalid"
    return caught.value.message


# ── accounts ────────────────────────────────────────────────────────────────────────────────


def test_an_account_is_listed_as_it_was_opened(at_desk: Desk, clock: ManualClock) -> None:
    first = at_desk.accounts.create(name=" Corner shop ", country="nl", currency="EUR")
    clock.advance(DAY)
    second = at_desk.accounts.create(email="desk@example.com")
    assert (first.name, first.country, first.default_currency) == ("Corner shop", "NL", "eur")
    assert (second.name, second.status, second.created) == (None, "active", NOW + DAY)
    assert at_desk.accounts.all() == [first, second]


def test_a_status_is_kept_and_leads_where_it_may(at_desk: Desk) -> None:
    account = at_desk.accounts.create().id
    for act, status in (
        (at_desk.accounts.suspend, "suspended"),
        (at_desk.accounts.resume, "active"),
        (at_desk.accounts.suspend, "suspended"),
        (at_desk.accounts.close, "closed"),
    ):
        assert act(account).status == status
        assert [each.status for each in at_desk.accounts.all()] == [status]
    assert "for good" in refused(lambda: at_desk.accounts.resume(account))


def test_what_fails_leaves_nothing_behind(database_url: str) -> None:
    def fail() -> None:
        with desk(database_url, PEPPER, DECLARED) as at:
            account = at.accounts.create().id
            at.keys.create(account, livemode=False, kind="secret")
            at.keys.create(account, livemode=False, kind="restricted", permissions=["charges"])

    with pytest.raises(InvalidRequest):
        fail()
    with desk(database_url, PEPPER) as at:
        assert (at.accounts.all(), at.keys.all()) == ([], [])


def test_the_database_knows_no_other_status(database_url: str) -> None:
    with desk(database_url, PEPPER) as at:
        at.accounts.create()
    with (
        psycopg.connect(database_url) as connection,
        pytest.raises(psycopg.errors.CheckViolation),
    ):
        connection.execute("UPDATE accounts SET status = 'gone'")


async def test_the_status_of_the_account_comes_with_the_key(
    database_url: str, credentials: Credentials
) -> None:
    with desk(database_url, PEPPER) as at:
        account = at.accounts.create().id
        token = at.keys.create(account, livemode=False, kind="secret").token
    assert await credentials.find(token) is not None
    with desk(database_url, PEPPER) as at:
        at.accounts.suspend(account)
    with pytest.raises(Forbidden) as suspended:
        await credentials.find(token)
    assert suspended.value.code == "account_suspended"
    with desk(database_url, PEPPER) as at:
        at.accounts.close(account)
    with pytest.raises(Forbidden) as closed:
        await credentials.find(token)
    assert closed.value.code == "account_closed"


# ── keys ────────────────────────────────────────────────────────────────────────────────────


async def test_a_new_key_is_found_with_what_it_may(
    database_url: str, credentials: Credentials
) -> None:
    with desk(database_url, PEPPER, DECLARED) as at:
        made = a_key(at, 90 * DAY)
    found = await credentials.find(made.token)
    assert found is not None
    assert (found.id, found.kind) == (made.key.id, "restricted")
    assert found.tenant == made.key.record.tenant
    assert found.tenant.livemode
    assert found.permissions == {"customers:read"}


def test_what_is_made_is_what_is_listed(at_desk: Desk, clock: ManualClock) -> None:
    one = a_key(at_desk, 90 * DAY).key
    clock.advance(DAY)
    other = a_key(at_desk).key
    assert at_desk.keys.all() == [one, other]
    assert at_desk.keys.all(one.record.tenant.account) == [one]
    assert (one.key.created, one.record.expires_at) == (NOW, NOW + 90 * DAY)
    assert other.record.expires_at is None
    with pytest.raises(NotFound):
        at_desk.keys.all("acct_none")


def test_a_key_in_clear_is_not_shown_by_accident(at_desk: Desk) -> None:
    made = a_key(at_desk)
    assert made.token not in repr(made)


def test_both_modes_of_an_account_have_keys_of_their_own(at_desk: Desk) -> None:
    account = at_desk.accounts.create().id
    tenants = [
        at_desk.keys.create(account, livemode=livemode, kind="secret").key.record.tenant
        for livemode in (False, True, False)
    ]
    assert [tenant.livemode for tenant in tenants] == [False, True, False]
    assert tenants[0] == tenants[2] != tenants[1]


def test_a_rolled_key_hands_over_all_that_it_is(at_desk: Desk, clock: ManualClock) -> None:
    old = a_key(at_desk, 90 * DAY)
    clock.advance(80 * DAY)
    new, ending = at_desk.keys.roll(old.key.id, DAY)
    assert new.token != old.token
    assert (new.key.record.kind, new.key.record.tenant) == ("restricted", old.key.record.tenant)
    assert (new.key.record.permissions, new.key.key.name) == (("customers:read",), "till")
    # It lives as long as the old one was made for.
    assert new.key.record.expires_at == clock.now() + 90 * DAY
    assert ending.record.expires_at == clock.now() + DAY
    assert ending.key.replaced_by == new.key.id
    assert at_desk.keys.all() == [ending, new.key]


def test_an_overlap_does_not_lengthen_a_keys_life(at_desk: Desk, clock: ManualClock) -> None:
    old = a_key(at_desk, 90 * DAY)
    clock.advance(89 * DAY)
    _, ending = at_desk.keys.roll(old.key.id, 7 * DAY)
    assert ending.record.expires_at == old.key.record.expires_at


def test_without_overlap_the_old_key_ends_at_once(at_desk: Desk, clock: ManualClock) -> None:
    _, ending = at_desk.keys.roll(a_key(at_desk).key.id, timedelta(0))
    assert ending.key.status(clock.now()) == "expired"


@pytest.mark.parametrize("overlap", [timedelta(microseconds=-1), 7 * DAY + timedelta(seconds=1)])
def test_an_overlap_beyond_its_bounds_is_refused(at_desk: Desk, overlap: timedelta) -> None:
    key = a_key(at_desk).key
    with pytest.raises(InvalidRequest) as caught:
        at_desk.keys.roll(key.id, overlap)
    assert caught.value.param == "overlap"
    assert at_desk.keys.all() == [key]


def test_a_key_is_rolled_once(at_desk: Desk) -> None:
    key = a_key(at_desk).key
    new, _ = at_desk.keys.roll(key.id, DAY)
    assert new.key.id in refused(lambda: at_desk.keys.roll(key.id, DAY))
    at_desk.keys.roll(new.key.id, DAY)
    assert len(at_desk.keys.all()) == 3


def test_a_key_that_is_no_longer_let_in_is_not_rolled(at_desk: Desk, clock: ManualClock) -> None:
    revoked, expired = a_key(at_desk).key, a_key(at_desk, DAY).key
    at_desk.keys.revoke(revoked.id)
    clock.advance(DAY)
    assert "revoked already" in refused(lambda: at_desk.keys.roll(revoked.id, DAY))
    assert "expired already" in refused(lambda: at_desk.keys.roll(expired.id, DAY))


def test_a_key_is_revoked_since_the_first_time(at_desk: Desk, clock: ManualClock) -> None:
    key = a_key(at_desk).key
    first = at_desk.keys.revoke(key.id)
    clock.advance(DAY)
    assert at_desk.keys.revoke(key.id) == first
    assert first.record.revoked_at == NOW
    with pytest.raises(NotFound):
        at_desk.keys.revoke("key_none")


def test_of_those_who_roll_a_key_together_one_does(database_url: str) -> None:
    with desk(database_url, PEPPER, DECLARED) as at:
        key = a_key(at).key

    def roll(_: int) -> IssuedKey | None:
        try:
            with desk(database_url, PEPPER) as at:
                return at.keys.roll(key.id, DAY)[0].key
        except Refused:
            return None

    with ThreadPoolExecutor(4) as threads:
        rolled = [made for made in threads.map(roll, range(4)) if made is not None]
    with desk(database_url, PEPPER) as at:
        old, *new = at.keys.all()
    assert new == rolled
    assert old.key.replaced_by == rolled[0].id


def test_keys_made_together_share_their_tenant(database_url: str) -> None:
    with desk(database_url, PEPPER) as at:
        account = at.accounts.create().id

    def make(_: int) -> int:
        with desk(database_url, PEPPER) as at:
            made = at.keys.create(account, livemode=False, kind="secret")
            return made.key.record.tenant.id

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(make, range(4)))) == 1


# ── the development account ─────────────────────────────────────────────────────────────────


async def test_keys_that_were_taken_from_the_development_account_are_replaced(
    database_url: str,
) -> None:
    first = await ensure_dev_account(database_url, SETTINGS)
    with desk(database_url, PEPPER) as at:
        secret, publishable = (
            at.keys.known(token) for token in (first.secret_key, first.publishable_key)
        )
        assert secret is not None
        assert publishable is not None
        at.keys.revoke(secret.id)
        at.keys.roll(publishable.id, DAY)
    again = await ensure_dev_account(
        database_url, SETTINGS, first.secret_key, first.publishable_key
    )
    assert again.account == first.account
    assert again.secret_key != first.secret_key
    assert again.publishable_key != first.publishable_key


async def test_a_closed_development_account_is_replaced(database_url: str) -> None:
    first = await ensure_dev_account(database_url, SETTINGS)
    with desk(database_url, PEPPER) as at:
        at.accounts.close(first.account)
    again = await ensure_dev_account(
        database_url, SETTINGS, first.secret_key, first.publishable_key
    )
    assert again.account != first.account
    assert again.secret_key != first.secret_key
