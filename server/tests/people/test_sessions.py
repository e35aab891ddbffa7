"""What a process remembers of sessions, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import psycopg
import pyotp
import pytest

from guilder_server.kernel.actor import Actor
from guilder_server.kernel.clock import ManualClock
from guilder_server.kernel.errors import Refused, Unauthenticated
from guilder_server.people.assembly import Populace, make_tools
from guilder_server.people.domain.person import Member, User
from guilder_server.people.domain.refusals import ProofRefused, SignInRefused
from guilder_server.people.domain.session import NewSession, Visitor
from guilder_server.people.flows.backing import backed
from guilder_server.people.flows.inviting import By
from guilder_server.people.flows.renewing import Asking
from guilder_server.people.flows.sessions import KNOWN_FOR_S, Sessions, begin
from guilder_server.people.flows.throttling import may_try
from guilder_server.people.infra import passwords
from guilder_server.people.infra.store import PostgresPeople
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.seals import Seals
from guilder_server.settings import Settings
from tests.people.conftest import QUICK
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

    async def with_password(self, account: str) -> tuple[User, pyotp.TOTP, NewSession]:
        """Somebody who has just taken an invitation, with their first session."""
        people = self.people
        seen = await people.inviting.invite(OPERATOR, account, "ada@example.com", "viewer")
        token = (seen.url or "").rpartition("/")[2]
        step = await people.joining.with_password(BROWSER, token, None, PASSWORD)
        codes = pyotp.TOTP((await people.by_password.enrolment(BROWSER, step)).secret)
        new = await people.by_password.code(BROWSER, step, codes.at(self.clock.now()))
        return await people.members.find("ada@example.com"), codes, new

    async def signed_in(self, user: User) -> str:
        async with self.tools.store.transaction() as people:
            return (await begin(self.tools, people, user, BROWSER, "provider")).token


@pytest.fixture
async def house(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(passwords, "PasswordHasher", QUICK)
    pool = Pool(database_url)
    await pool.open()
    yield House(pool)
    await pool.close()


@pytest.fixture
def account(database_url: str) -> str:
    return new_account(database_url).account


def entries_of(database_url: str, account: str) -> int:
    """How many the trail of one of its modes has."""
    entries = (
        "SELECT count(*) FROM audit_blocks JOIN tenants ON tenants.id = tenant_id "
        "WHERE account_id = %s AND NOT livemode"
    )
    with psycopg.connect(database_url) as connection:
        (kept,) = connection.execute(entries, [account]).fetchone() or (0,)
    return int(kept)


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
    for _ in range(2):
        before = entries_of(database_url, account)
        for one in range(130):
            visitor = Visitor("b", f"198.51.100.{one}")
            with pytest.raises(SignInRefused):
                await house.people.by_password.password(visitor, user.email, "wrong")
        # Ten wrong guesses, and then that there are too many of them.
        assert entries_of(database_url, account) - before == 10 + 100
        house.clock.advance(timedelta(minutes=16))


async def test_proofs_that_are_refused_without_end_do_not_fill_the_trail(
    house: House, account: str, database_url: str
) -> None:
    user, _, new = await house.with_password(account)
    before = entries_of(database_url, account)
    for one in range(130):
        asking = Asking(user.id, new.session.id, Visitor("b", f"198.51.100.{one}"))
        with pytest.raises(ProofRefused):
            await house.people.renewing.recovery_codes(asking, "wrong", "000000")
    assert entries_of(database_url, account) - before == 10 + 100
    # What is told of a sign-in is counted apart.
    with pytest.raises(SignInRefused):
        await house.people.by_password.password(BROWSER, user.email, "wrong")
    assert entries_of(database_url, account) - before == 10 + 100 + 1


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
    people = house.people
    _, codes, _ = await house.with_password(account)
    later = house.clock.now() + timedelta(seconds=30)
    steps = [
        await people.by_password.password(BROWSER, "ada@example.com", PASSWORD) for _ in range(2)
    ]
    done = await asyncio.gather(
        *(people.by_password.code(BROWSER, one.token, codes.at(later)) for one in steps),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in done) == ["NewSession", "SignInRefused"]
    assert "code_reused" in [one.reason for one in done if isinstance(one, SignInRefused)]


async def test_one_recovery_code_that_is_sent_several_times_at_once_signs_in_once(
    house: House, account: str
) -> None:
    people = house.people
    user, _, new = await house.with_password(account)
    steps = [await people.by_password.password(BROWSER, user.email, PASSWORD) for _ in range(4)]
    done = await asyncio.gather(
        *(
            people.by_password.code(BROWSER, one.token, new.recovery_codes[0], recovery=True)
            for one in steps
        ),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in done) == ["NewSession"] + ["SignInRefused"] * 3
    refused = {one.reason for one in done if isinstance(one, SignInRefused)}
    assert refused == {"recovery_code_wrong"}
    assert (await people.sessions.seen(new.session.id, user.id)).recovery_codes == 9


async def test_one_link_that_is_used_several_times_at_once_sets_one_password(
    house: House, account: str
) -> None:
    people = house.people
    user, _, _ = await house.with_password(account)
    token = (await people.resetting.link(OPERATOR, user.id)).url.rpartition("/")[2]
    tried = [f"{number} horses, {number} batteries" for number in range(4)]
    done = await asyncio.gather(
        *(people.resetting.set(BROWSER, token, one) for one in tried), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in done) == ["NoneType"] + ["SignInRefused"] * 3
    [set_one] = [one for one, how in zip(tried, done, strict=True) if how is None]
    assert (await people.by_password.password(BROWSER, user.email, set_one)).kind == "code"


async def test_two_changes_of_one_password_at_once_are_one(house: House, account: str) -> None:
    people = house.people
    user, _, new = await house.with_password(account)
    asking = Asking(user.id, new.session.id, BROWSER)
    tried = ["one horse, one battery", "two horses, two batteries"]
    done = await asyncio.gather(
        *(people.renewing.change_password(asking, PASSWORD, one) for one in tried),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in done) == ["NoneType", "ProofRefused"]
    [set_one] = [one for one, how in zip(tried, done, strict=True) if how is None]
    assert (await people.by_password.password(BROWSER, user.email, set_one)).kind == "code"
    assert len(await people.sessions.mine(user.id)) == 1


async def test_a_link_and_a_change_at_once_leave_one_password_and_no_deadlock(
    house: House, account: str
) -> None:
    people = house.people
    user, _, new = await house.with_password(account)
    asking = Asking(user.id, new.session.id, BROWSER)
    for number in range(3):
        token = (await people.resetting.link(OPERATOR, user.id)).url.rpartition("/")[2]
        kept = (await people.members.find(user.email)).password
        done = await asyncio.gather(
            people.resetting.set(BROWSER, token, f"{number} horses, one battery"),
            people.renewing.change_password(asking, PASSWORD, f"{number} batteries, one horse"),
            people.resetting.link(OPERATOR, user.id),
            return_exceptions=True,
        )
        unforeseen = [one for one in done if isinstance(one, BaseException)]
        assert all(isinstance(one, SignInRefused | ProofRefused) for one in unforeseen), done
        assert (await people.members.find(user.email)).password != kept or len(unforeseen) == 2


async def test_a_link_is_good_for_an_hour_and_then_forgotten(
    house: House, account: str, database_url: str
) -> None:
    user, _, _ = await house.with_password(account)
    resetting = house.people.resetting
    token = (await resetting.link(OPERATOR, user.id)).url.rpartition("/")[2]
    house.clock.advance(timedelta(minutes=59, seconds=59))
    assert (await resetting.look(BROWSER, token)).id == user.id
    house.clock.advance(timedelta(seconds=1))
    with pytest.raises(SignInRefused, match="no longer good"):
        await resetting.set(BROWSER, token, "another horse, another battery")
    later = house.clock.now() + timedelta(seconds=1)
    await house.tools.store.prune(later, later)
    with psycopg.connect(database_url) as connection:
        left = connection.execute("SELECT count(*) FROM password_resets").fetchone()
    assert left == (0,)


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


async def test_those_whom_one_person_has_invited_do_not_wait_for_each_other(
    house: House, account: str
) -> None:
    """Or two who are invited to several accounts could each wait for the other."""
    maker = await house.member(account)
    by = By(Actor("user", maker.id), "owner")
    inviting = house.people.inviting
    ada, bob = [
        (await inviting.invite(by, account, f"{name}@example.com", "viewer")).invitation
        for name in ("ada", "bob")
    ]
    transaction = house.tools.store.transaction
    async with transaction() as one, transaction() as other, asyncio.timeout(5):
        assert [await backed(one, ada), await backed(other, bob)] == [True, True]
        # But nobody takes the maker's role away meanwhile.
        removing = asyncio.create_task(house.people.members.remove(OPERATOR, account, maker.id))
        await asyncio.sleep(0.1)
        assert not removing.done()
    with pytest.raises(Refused):
        await removing


async def test_what_has_ended_long_ago_is_forgotten(house: House, account: str) -> None:
    user = await house.member(account)
    await house.signed_in(user)
    now = house.clock.now()
    assert await house.tools.store.prune(now, now) == 0
    later = now + timedelta(days=2)
    assert await house.tools.store.prune(later, later) == 1
