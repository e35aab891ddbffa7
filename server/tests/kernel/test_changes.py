"""A change set keeps what is done to it, and knows what will be."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from guilder_server.kernel.changes import Changes, KeyClaim
from guilder_server.kernel.postings import AccountRef, LedgerTransaction, Leg
from guilder_server.kernel.tenant import Tenant

NOW = datetime(2026, 11, 20, tzinfo=UTC)
TENANT = Tenant(1, "acct_1", livemode=False)


@dataclass(frozen=True)
class Jar:
    id: str
    version: int
    sweets: int


@given(version=st.integers(1, 1 << 30), steps=st.integers(1, 5))
def test_each_change_is_one_version_later_than_what_it_changes(version: int, steps: int) -> None:
    changes, jar = Changes(TENANT), Jar("jar_1", version, 0)
    for step in range(1, steps + 1):
        jar = changes.change(jar, Jar("jar_1", 0, step))
        assert (jar.version, jar.sweets) == (version + step, step)
    for (before, after), (following, _) in zip(changes.changed, changes.changed[1:], strict=False):
        assert after == following
        assert after.version == before.version + 1


def test_what_was_there_before_stays_as_it_was() -> None:
    jar = Jar("jar_1", 1, 7)
    Changes(TENANT).change(jar, jar)
    assert jar == Jar("jar_1", 1, 7)


def test_saving_adds_what_is_new_and_changes_what_is_not() -> None:
    changes, jar = Changes(TENANT), Jar("jar_1", 1, 0)
    assert changes.save(None, jar) is jar
    assert changes.added == [jar]
    assert changes.save(jar, Jar("jar_1", 1, 1)) == Jar("jar_1", 2, 1)
    assert changes.changed == [(jar, Jar("jar_1", 2, 1))]


def test_the_latest_of_each_object_is_how_it_will_be() -> None:
    changes = Changes(TENANT)
    added, other = changes.add(Jar("jar_1", 1, 0)), changes.add(Jar("jar_2", 1, 0))
    changed = changes.change(added, Jar("jar_1", 1, 1))
    last = changes.change(changed, Jar("jar_1", 1, 2))
    legs = (
        Leg(AccountRef("till", "usd", "debit"), 1),
        Leg(AccountRef("sales", "usd", "credit"), -1),
    )
    posted = changes.post(LedgerTransaction("txn_1", "charge", "ch_1", NOW, NOW, "usd", legs))
    assert changes.latest() == {"jar_1": last, "jar_2": other, "txn_1": posted}


def test_a_set_is_empty_until_anything_is_said() -> None:
    jar = Jar("jar_1", 1, 0)
    assert Changes(TENANT).empty()
    adding, changing, telling = Changes(TENANT), Changes(TENANT), Changes(TENANT)
    adding.add(jar)
    changing.change(jar, jar)
    telling.record("jar.opened", jar)
    claiming = Changes(TENANT, key=KeyClaim("key", b"", 200, b"", NOW))
    assert not any(one.empty() for one in (adding, changing, telling, claiming))


def test_facts_are_kept_in_the_order_in_which_they_happened() -> None:
    changes, jar = Changes(TENANT), Jar("jar_1", 1, 0)
    after = changes.change(jar, Jar("jar_1", 1, 1))
    changes.record("jar.opened", jar)
    changes.record("jar.emptied", after, jar)
    assert [(fact.type, fact.subject, fact.previous) for fact in changes.facts] == [
        ("jar.opened", jar, None),
        ("jar.emptied", after, jar),
    ]


def test_what_a_fact_is_about_gets_a_version_from_its_commit_once() -> None:
    changes, jar = Changes(TENANT), Jar("jar_1", 3, 7)
    touched = changes.touch(jar)
    assert touched == Jar("jar_1", 4, 7)
    assert changes.touch(touched) == touched
    new = changes.add(Jar("jar_2", 1, 0))
    assert changes.touch(new) == new
    assert (changes.added, changes.changed) == ([new], [(jar, touched)])


def test_what_is_relied_on_is_named_once_however_often_it_is_said() -> None:
    changes = Changes(TENANT)
    jars = [Jar(f"jar_{number}", 1, 0) for number in range(20_000)]
    begun = time.process_time()
    for jar in [*jars, *jars]:
        changes.rely(jar)
    assert list(changes.relied.values()) == jars
    # Comparing each with each would take minutes.
    assert time.process_time() - begun < 5


def test_two_versions_of_what_is_relied_on_are_both_kept() -> None:
    """Only one of them can be right, so the set is refused and decided again."""
    changes = Changes(TENANT)
    changes.rely(Jar("jar_1", 1, 0))
    changes.rely(Jar("jar_1", 2, 0))
    assert [thing.version for thing in changes.relied.values()] == [1, 2]
