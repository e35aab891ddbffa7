"""What a process remembers of sessions, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import psycopg
import pyotp
import pytest

from guilder_server.kernel.clock import ManualClock
from guilder_server.kernel.errors import Refused, Unauthenticated
from guilder_server.people.assembly import Populace, make_tools
from guilder_server.people.domain.person import Member, User
from guilder_server.people.domain.refusals import SignInRefused
from guilder_server.people.domain.session import Visitor
from guilder_server.people.flows.sessions import KNOWN_FOR_S, Sessions, begin
from guilder_server.people.flows.throttling import may_try
from guilder_server.people.infra.store import PostgresPeople
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.seals import Seals
from guilder_server.settings import Settings
from tests.support.api import PEPPER, SEALING_KEY, new_account
from tests.support.people import OPERATOR, PASSWORD

BROWSER = Visitor("a browser", "192.0.2.1", "Tests")


class House:
    """People on a database, with a clock that stands still and a second one for what is
    remembered."""

    def __init__(self, pool: Pool) -> None:
        self.clock = ManualClock(datetime(2026, 11, 21, 12, tzinfo=UTC))
        self.elapsed = 0.0
        store = PostgresPeople(pool)
        settings = Settings(key_pepper=PEPPER, sealing_key=SEALING_KEY)
        self.tools = make_tools(settings, store, Seals(SEALING_KEY), "http://localhost", self.clock)
        self.people = Populace(self.tools)

    def process(self) -> Sessions:
        return Sessions(self.tools, lambda: self.elapsed)

    async def member(self, account: str, role: str = "owner") -> User:
        user = User(self.tools.ids.new("user"), self.clock.now(), f"{role}@{account.lower()}.test")
        async with self.tools.store.transaction() as people:
            await people.add_user(user)
            await people.put_member(Member(account, role, self.clock.now(), user))  # type: ignore[arg-type]
        return user

    async def signed_in(self, user: User) -> str:
        async with self.tools.store.transaction() as people:
            return (await begin(self.tools, people, user, BROWSER, "provider")).token


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    pool = Pool(database_url)
    await pool.open()
    yield House(pool)
    await pool.close()


@pytest.fixture
def account(database_url: str) -> str:
    return new_account(database_url).account


async def test_a_session_that_was_revoked_is_refused_by_every_process_within_five_seconds(
    house: House, account: str
) -> None:
    user = await house.member(account)
    token = await house.signed_in(user)
    one, other = house.process(), house.process()
    known = await one.find(token)
    await other.find(token)
    assert [place.account for place in known.places] == [account]
    await one.revoke(known.session.id, user.id, BROWSER)
    with pytest.raises(Unauthenticated):
        await one.find(token)
    await other.find(token)
    house.elapsed = KNOWN_FOR_S
    with pytest.raises(Unauthenticated):
        await other.find(token)


async def test_use_keeps_a_session_and_being_remembered_does_not_make_it_known_for_longer(
    house: House, account: str
) -> None:
    user = await house.member(account)
    token = await house.signed_in(user)
    sessions = house.process()
    for _ in range(40):
        await sessions.find(token)
        house.clock.advance(timedelta(minutes=14))
        house.elapsed += 1
        if house.clock.now() >= datetime(2026, 11, 21, 23, 50, tzinfo=UTC):
            break
    await house.people.members.disable(OPERATOR, user.id)
    house.elapsed += KNOWN_FOR_S
    with pytest.raises(Unauthenticated):
        await sessions.find(token)


async def test_a_session_that_is_revoked_while_its_use_is_noted_is_forgotten(
    house: House, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await house.member(account)
    token, process = await house.signed_in(user), house.process()
    session = (await process.find(token)).session.id
    house.clock.advance(timedelta(minutes=2))
    noted = house.tools.store.note_seen

    async def slowly(id: str, now: datetime) -> None:
        await noted(id, now)
        await process.revoke(session, user.id, BROWSER)

    monkeypatch.setattr(house.tools.store, "note_seen", slowly)
    await process.find(token)
    with pytest.raises(Unauthenticated):
        await process.find(token)


async def test_whoever_makes_up_people_from_one_network_leaves_few_behind(
    house: House, database_url: str
) -> None:
    async with house.tools.store.transaction() as people:
        tried = [
            await may_try(
                house.tools, people, Visitor("b", f"2001:db8:0:7::{one:x}"), f"invented {one}"
            )
            for one in range(120)
        ]
    assert tried == [True] * 100 + [False] * 20
    with psycopg.connect(database_url) as connection:
        (kept,) = connection.execute("SELECT count(*) FROM sign_in_attempts").fetchone() or (0,)
    assert kept <= 101


async def test_refusals_without_end_do_not_fill_the_trail(
    house: House, account: str, database_url: str
) -> None:
    user = await house.member(account)

    def told() -> int:
        entries = (
            "SELECT count(*) FROM audit_blocks JOIN tenants ON tenants.id = tenant_id "
            "WHERE account_id = %s AND NOT livemode"
        )
        with psycopg.connect(database_url) as connection:
            (kept,) = connection.execute(entries, [account]).fetchone() or (0,)
        return int(kept)

    for _ in range(2):
        before = told()
        for one in range(130):
            visitor = Visitor("b", f"198.51.100.{one}")
            with pytest.raises(SignInRefused):
                await house.people.by_password.password(visitor, user.email, "wrong")
        # Ten wrong guesses, and then that there are too many of them.
        assert told() - before == 10 + 100
        house.clock.advance(timedelta(minutes=16))


async def test_a_session_ends_after_fifteen_idle_minutes_and_after_twelve_hours(
    house: House, account: str
) -> None:
    user = await house.member(account)
    idle, used = await house.signed_in(user), await house.signed_in(user)
    sessions = house.process()
    await sessions.find(idle)
    for _ in range(60):
        house.clock.advance(timedelta(minutes=12, seconds=1))
        house.elapsed += 10
        try:
            await sessions.find(used)
        except Unauthenticated:
            break
    lived = house.clock.now() - datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert timedelta(hours=12) <= lived < timedelta(hours=12, minutes=13)
    with pytest.raises(Unauthenticated):
        await house.process().find(idle)


async def test_two_owners_who_remove_each_other_at_once_leave_one(
    house: House, account: str
) -> None:
    one, other = await house.member(account, "owner"), await house.member(account, "admin")
    await house.people.members.set_role(OPERATOR, account, other.id, "owner")
    done = await asyncio.gather(
        house.people.members.remove(OPERATOR, account, one.id),
        house.people.members.set_role(OPERATOR, account, other.id, "viewer"),
        return_exceptions=True,
    )
    assert [isinstance(each, Refused) for each in done].count(True) == 1
    roles = [member.role for member in await house.people.members.all(account)]
    assert roles.count("owner") == 1


async def test_two_owners_who_step_back_at_once_do_not_wait_for_each_other_without_end(
    house: House, account: str
) -> None:
    viewers = [await house.member(account, role) for role in ("admin", "support")]
    members = house.people.members
    for _ in range(20):
        for one in viewers:
            await members.set_role(OPERATOR, account, one.id, "owner")
        done = await asyncio.gather(
            *(members.set_role(OPERATOR, account, one.id, "viewer") for one in viewers),
            return_exceptions=True,
        )
        assert sorted(type(each).__name__ for each in done) == ["Member", "Refused"]


async def test_one_code_that_is_sent_twice_at_once_signs_in_once(
    house: House, account: str
) -> None:
    people, now = house.people, house.clock.now()
    seen = await people.inviting.invite(OPERATOR, account, "ada@example.com", "viewer")
    assert seen.url is not None
    step = await people.joining.with_password(BROWSER, seen.url.rpartition("/")[2], None, PASSWORD)
    codes = pyotp.TOTP((await people.by_password.enrolment(BROWSER, step)).secret)
    await people.by_password.code(BROWSER, step, codes.at(now))
    later = now + timedelta(seconds=30)
    steps = [
        await people.by_password.password(BROWSER, "ada@example.com", PASSWORD) for _ in range(2)
    ]
    done = await asyncio.gather(
        *(people.by_password.code(BROWSER, one.token, codes.at(later)) for one in steps),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in done) == ["NewSession", "SignInRefused"]
    assert "code_reused" in [one.reason for one in done if isinstance(one, SignInRefused)]


async def test_one_invitation_that_is_taken_twice_at_once_makes_one_person(
    house: House, account: str
) -> None:
    people, now = house.people, house.clock.now()
    seen = await people.inviting.invite(OPERATOR, account, "ada@example.com", "viewer")
    assert seen.url is not None
    steps = [
        await people.joining.with_password(BROWSER, seen.url.rpartition("/")[2], None, PASSWORD)
        for _ in range(2)
    ]
    secrets = [(await people.by_password.enrolment(BROWSER, one)).secret for one in steps]
    done = await asyncio.gather(
        *(
            people.by_password.code(BROWSER, step, pyotp.TOTP(secret).at(now))
            for step, secret in zip(steps, secrets, strict=True)
        ),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in done) == ["NewSession", "SignInRefused"]
    assert len(await people.members.all(account)) == 1


async def test_what_has_ended_long_ago_is_forgotten(house: House, account: str) -> None:
    user = await house.member(account)
    await house.signed_in(user)
    now = house.clock.now()
    assert await house.tools.store.prune(now, now) == 0
    later = now + timedelta(days=2)
    assert await house.tools.store.prune(later, later) == 1
