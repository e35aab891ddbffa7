"""What is in use is looked up again before it is forgotten, and nothing is known for longer than
five seconds after the database said so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guilder_server.tenancy.flows.remembering import (
    KNOWN_FOR_S,
    MOST_REMEMBERED,
    RENEWED_EVERY_S,
    Remembered,
)

pytestmark = pytest.mark.anyio

SECONDS = st.floats(0.01, 3, allow_nan=False)


class Shelf:
    """What is there, what was asked for alone and together, and the time."""

    def __init__(self) -> None:
        self.there: dict[str, str] = {}
        self.alone: list[str] = []
        self.together: list[list[str]] = []
        self.seconds = 100.0
        self.answers_after = 0.0
        self.broken: Exception | None = None
        self.remembered = Remembered(self.find, self.find_all, lambda: self.seconds)

    async def find(self, key: str) -> str | None:
        self.alone.append(key)
        return self.there.get(key)

    async def find_all(self, keys: Sequence[str]) -> Mapping[str, str]:
        if self.broken is not None:
            raise self.broken
        self.together.append(list(keys))
        found = {key: self.there[key] for key in keys if key in self.there}
        self.seconds += self.answers_after
        return found

    async def pass_time(self, seconds: float) -> None:
        """With a look each second, as the server has it."""
        end = self.seconds + seconds
        while self.seconds + RENEWED_EVERY_S <= end:
            self.seconds += RENEWED_EVERY_S
            await self.remembered.renew()
        self.seconds = end


@pytest.fixture
def shelf() -> Shelf:
    shelf = Shelf()
    shelf.there = {"one": "1", "other": "2"}
    return shelf


async def test_what_is_in_use_is_asked_for_once_by_itself(shelf: Shelf) -> None:
    for _ in range(60):
        assert await shelf.remembered.get("one") == "1"
        assert await shelf.remembered.get("other") == "2"
        await shelf.pass_time(1)
    assert sorted(shelf.alone) == ["one", "other"]
    assert 10 <= len(shelf.together) <= 20
    assert all(sorted(keys) == ["one", "other"] for keys in shelf.together)


async def test_what_is_not_used_any_more_is_not_asked_for_for_ever(shelf: Shelf) -> None:
    await shelf.remembered.get("one")
    await shelf.pass_time(60)
    assert len(shelf.together) < 8
    assert not shelf.remembered._known


async def test_what_is_gone_is_unknown_at_the_next_look(shelf: Shelf) -> None:
    await shelf.remembered.get("one")
    del shelf.there["one"]
    await shelf.pass_time(3)
    assert await shelf.remembered.get("one") is None
    assert shelf.alone == ["one"]


async def test_a_change_counts_from_the_next_look_on(shelf: Shelf) -> None:
    await shelf.remembered.get("one")
    shelf.there["one"] = "changed"
    await shelf.pass_time(4)
    assert await shelf.remembered.get("one") == "changed"


async def test_what_cannot_be_looked_up_is_forgotten_at_its_time(shelf: Shelf) -> None:
    await shelf.remembered.get("one")
    shelf.broken = ConnectionError("away")
    shelf.seconds += 4
    with pytest.raises(ConnectionError):
        await shelf.remembered.renew()
    assert await shelf.remembered.get("one") == "1"
    assert shelf.alone == ["one"]
    shelf.seconds += 1
    await shelf.remembered.get("one")
    assert shelf.alone == ["one", "one"]


async def test_a_crowd_is_looked_up_in_pieces(shelf: Shelf) -> None:
    shelf.there = {str(number): "there" for number in range(1050)}
    for key in shelf.there:
        await shelf.remembered.get(key)
    shelf.seconds += 4
    assert await shelf.remembered.renew() == 1050
    assert [len(keys) for keys in shelf.together] == [100] * 10 + [50]


async def test_memory_is_bounded(shelf: Shelf) -> None:
    shelf.there = {str(number): "there" for number in range(MOST_REMEMBERED + 50)}
    for key in shelf.there:
        await shelf.remembered.get(key)
    assert len(shelf.remembered._known) == MOST_REMEMBERED


@given(st.lists(st.tuples(SECONDS, st.booleans(), SECONDS), max_size=30))
async def test_nothing_is_known_for_longer_than_five_seconds_after_it_was_there(
    steps: list[tuple[float, bool, float]],
) -> None:
    """However late looks come, and however long the database takes to answer them."""
    shelf = Shelf()
    shelf.there["one"] = "1"
    for passed, renewed, takes in steps:
        shelf.seconds += passed
        shelf.answers_after = takes
        if renewed:
            await shelf.remembered.renew()
        await shelf.remembered.get("one")
    shelf.there.clear()
    shelf.seconds += KNOWN_FOR_S
    assert await shelf.remembered.get("one") is None
