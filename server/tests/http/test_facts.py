"""The numbers that order the events of an object, whatever order they arrive in."""

from __future__ import annotations

import pytest

from guilder_server.http.facts import EventWriter
from guilder_server.http.present import Rendering
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import ManualClock
from guilder_server.kernel.copies import replace
from guilder_server.kernel.ids import Ids
from tests.http import small
from tests.http.small import NOW, TENANT, VIEWS, Payment


def _told(changes: Changes) -> list[tuple[str, str, int]]:
    """The events of a commit: type, object, number."""
    clock = ManualClock(NOW)
    writer = EventWriter(Ids(clock), clock, small.pack)
    writer.write(changes, Rendering(VIEWS, TENANT), None, None)
    return [(event.type, event.object_id, event.sequence) for event in changes.events]


def _numbers(changes: Changes) -> list[int]:
    return [number for _, _, number in _told(changes)]


def test_numbers_grow_within_a_commit_in_the_order_of_the_facts() -> None:
    changes = Changes(TENANT)
    payment = changes.add(Payment("pay_1", 5))
    for word in ("created", "authorized", "succeeded"):
        changes.record(f"payment.{word}", payment)
    told = _told(changes)
    assert [type for type, _, _ in told] == [
        "payment.created",
        "payment.authorized",
        "payment.succeeded",
    ]
    numbers = [number for _, _, number in told]
    assert numbers == sorted(set(numbers))


def test_numbers_grow_over_the_commits_of_an_object() -> None:
    changes = Changes(TENANT)
    payment = changes.add(Payment("pay_1", 5))
    for _ in range(50):
        changes.record("payment.created", payment)
    numbers = _numbers(changes)
    for amount in range(6, 10):
        changes = Changes(TENANT)
        payment = changes.change(payment, replace(payment, amount=amount))
        changes.record("payment.updated", payment)
        changes.record("payment.updated", payment)
        numbers += _numbers(changes)
    assert numbers == sorted(set(numbers))


def test_an_object_that_is_changed_twice_in_a_commit_has_numbers_past_those_of_commits_before() -> (
    None
):
    changes = Changes(TENANT)
    first = changes.add(Payment("pay_1", 5))
    changes.record("payment.created", first)
    second = changes.change(first, replace(first, amount=6))
    changes.record("payment.updated", second, previous=first)
    together = _numbers(changes)
    assert together == sorted(set(together))
    changes = Changes(TENANT)
    changes.record("payment.updated", changes.change(second, replace(second, amount=7)))
    assert min(_numbers(changes)) > max(together)


def test_each_object_is_counted_for_itself() -> None:
    changes = Changes(TENANT)
    one, two = changes.add(Payment("pay_1", 5)), changes.add(Payment("pay_2", 5, version=7))
    for payment in (one, two, one, two):
        changes.record("payment.created", payment)
    told = _told(changes)
    of = {id: [number for _, about, number in told if about == id] for id in ("pay_1", "pay_2")}
    assert of["pay_1"][1] == of["pay_1"][0] + 1
    assert of["pay_2"][1] == of["pay_2"][0] + 1
    assert of["pay_2"][0] > of["pay_1"][1]


def test_a_fact_about_what_its_commit_does_not_change_is_a_fault() -> None:
    """Another commit may give its event the same number."""
    changes = Changes(TENANT)
    changes.add(Payment("pay_1", 5))
    changes.record("payment.created", Payment("pay_2", 5))
    with pytest.raises(ValueError, match="pay_2"):
        _told(changes)
    assert changes.events == []
