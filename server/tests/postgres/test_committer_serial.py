"""Merged equals one by one: whatever meets in the committer, the outcome is that of some serial
order, and each set hears what it would have heard in that order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guilder_server.kernel.changes import Changes, EventRow, KeyClaim
from guilder_server.kernel.postings import AccountRef, LedgerTransaction, Leg
from guilder_server.kernel.tenant import Tenant
from tests.postgres.library import NOW, Book, Library, Shelf, furnish, opened
from tests.postgres.serial import Serial, Verdict, stored, verdict_of

pytestmark = pytest.mark.anyio

EXAMPLES = max(150, settings.default.max_examples if settings.default else 0)
MOST_SETS = 20

SHELF_IDS = ("shf_1", "shf_2")
BOOK_IDS = ("bok_1", "bok_2")
NEW_IDS = ("bok_3", "bok_4")
ACCOUNTS = (
    AccountRef("till", "usd", "debit", floor=0),
    AccountRef("wallet", "usd", "credit", floor=-50),
    AccountRef("world", "usd", "debit"),
)

_numbers = count(1)
_tenants = count(1000, 10)


@dataclass(frozen=True)
class Wish:
    """A change set before it knows its tenant. `pause` is what happens before the next one
    arrives: nothing, so that they are merged; a moment, so that it meets a commit under way;
    or everything until now is answered."""

    tenant: int
    added: tuple[Any, ...]
    changed: tuple[tuple[Any, Any], ...]
    legs: tuple[tuple[tuple[AccountRef, int], ...], ...]
    events: int
    key: KeyClaim | None
    repeats: bool
    pause: str


def _shelf(id: str, version: int = 1, words: str = "") -> Shelf:
    return Shelf(id, version, NOW, words)


def _book(id: str, version: int = 1, price: int = 10, shelf: str = "shf_1") -> Book:
    return Book(id, version, NOW, shelf, price)


_new_books = st.builds(
    _book,
    st.sampled_from(NEW_IDS + BOOK_IDS),
    price=st.sampled_from([0, 1, 1, 1, 1, -1]),
    shelf=st.sampled_from(["shf_1", "shf_1", "shf_2", "shf_3", "shf_nowhere"]),
)
_new_shelves = st.builds(_shelf, st.sampled_from(["shf_3", "shf_4"]))


@st.composite
def _edits(draw: st.DrawFn) -> tuple[tuple[Any, Any], ...]:
    """One to three changes that follow one another on a row, each guarded."""
    version = draw(st.sampled_from([1, 1, 1, 2, 3]))
    length = draw(st.sampled_from([1, 1, 2, 3]))
    if draw(st.booleans()):
        id, words = draw(st.sampled_from(SHELF_IDS)), draw(st.text("ab", max_size=2))
        chain: list[Any] = [_shelf(id, version + step, words) for step in range(length + 1)]
    else:
        id, price = draw(st.sampled_from(BOOK_IDS + NEW_IDS)), draw(st.integers(0, 5))
        chain = [_book(id, version + step, price) for step in range(length + 1)]
    return tuple(pairwise(chain))


@st.composite
def _legs(draw: st.DrawFn) -> tuple[tuple[AccountRef, int], ...]:
    """Amounts on two or three accounts, or twice on one, that sum to zero."""
    amounts = draw(st.lists(st.integers(-20, 60).filter(bool), min_size=1, max_size=2))
    amounts.append(-sum(amounts))
    if not amounts[-1]:
        amounts = [amounts[0], -amounts[0]]
    return tuple((draw(st.sampled_from(ACCOUNTS)), amount) for amount in amounts)


@st.composite
def _claims(draw: st.DrawFn) -> KeyClaim:
    """A key with its answer, a key that is started, or the end of one that was."""
    key, fence = draw(st.sampled_from("kkkl")), draw(st.sampled_from("fffg"))
    claim = KeyClaim(key, b"print", 200, draw(st.binary(max_size=2)), NOW)
    match draw(st.sampled_from(["whole", "start", "finish", "finish"])):
        case "start":
            lease = NOW + timedelta(minutes=1)
            return replace(claim, status=0, response=b"", lease_until=lease, fence=fence)
        case "finish":
            return replace(claim, finishes=fence)
    return claim


_wishes = st.builds(
    Wish,
    tenant=st.sampled_from([0, 0, 0, 1]),
    added=st.just(()) | st.lists(_new_books | _new_shelves, max_size=2).map(tuple),
    changed=st.just(()) | _edits() | st.tuples(_edits(), _edits()).map(lambda two: two[0] + two[1]),
    legs=st.just(()) | st.lists(_legs(), max_size=2).map(tuple),
    events=st.integers(0, 2),
    key=st.none() | _claims(),
    repeats=st.integers(0, 9).map(lambda chance: chance == 0),
    pause=st.sampled_from(["none"] * 6 + ["a moment", "until answered"]),
)


def _changes(wish: Wish, tenant: Tenant) -> Changes:
    number = "again" if wish.repeats else str(next(_numbers))
    return Changes(
        tenant,
        added=list(wish.added),
        changed=list(wish.changed),
        postings=[
            LedgerTransaction(
                f"txn_{number}_{place}",
                "charge",
                "ch_1",
                NOW,
                NOW,
                "usd",
                tuple(Leg(account, amount) for account, amount in legs),
            )
            for place, legs in enumerate(wish.legs)
        ],
        events=[
            EventRow(f"evt_{number}x{place}", "book.moved", NOW, "bok_1", b"payload", place)
            for place in range(wish.events)
        ],
        key=wish.key,
    )


async def _commit_all(
    commit: Callable[[Changes], Any], arrivals: list[tuple[Changes, str]]
) -> list[Verdict]:
    tasks = []
    for changes, pause in arrivals:
        tasks.append(asyncio.create_task(commit(changes)))
        if pause == "a moment":
            await asyncio.sleep(0.0003)
        elif pause == "until answered":
            await asyncio.wait(tasks)
    return [verdict_of(one) for one in await asyncio.gather(*tasks, return_exceptions=True)]


@pytest.fixture(scope="module")
async def library(postgres: Any) -> AsyncIterator[Library]:
    with postgres.database() as url:
        furnish(url)
        async with opened(url) as library:
            yield library


@given(wishes=st.lists(_wishes, min_size=5, max_size=MOST_SETS))
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
async def test_merged_equals_one_by_one(library: Library, wishes: list[Wish]) -> None:
    # Tenants share nothing, so those of this example start in an empty world.
    first = next(_tenants)
    tenants = [Tenant(first + number, f"acct_{number}", livemode=False) for number in range(2)]
    arrivals = [
        (Changes(tenant, added=[_shelf(id) for id in SHELF_IDS]), "none") for tenant in tenants
    ]
    arrivals += [
        (Changes(tenant, added=[_book(id) for id in BOOK_IDS]), "until answered")
        for tenant in tenants
    ]
    arrivals += [(_changes(wish, tenants[wish.tenant]), wish.pause) for wish in wishes]
    for tenant in tenants:
        await library.listen(tenant)
    library.record.batches.clear()

    verdicts = await _commit_all(library.committer.commit, arrivals)

    heard = {id(changes): verdict for (changes, _), verdict in zip(arrivals, verdicts, strict=True)}
    serial, order = Serial(), library.record.order()
    assert len(order) == len(arrivals)
    assert [heard[id(changes)] for changes in order] == [serial.commit(one) for one in order]
    assert await stored(library, [tenant.id for tenant in tenants]) == serial.world
