"""A changed copy is what `dataclasses.replace` would have made."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import pytest

from guilder_server.kernel.copies import replace


@dataclass(frozen=True)
class Jar:
    size: int
    label: str | None = None
    sweets: dict[str, int] = field(default_factory=dict)


JAR = Jar(3, "red", {"mint": 2})


def test_a_copy_has_the_changes_and_the_rest() -> None:
    assert replace(JAR, label=None) == dataclasses.replace(JAR, label=None)


def test_the_original_stays_as_it_was() -> None:
    replace(JAR, size=4)
    assert Jar(3, "red", {"mint": 2}) == JAR


def test_a_name_that_is_no_field_is_refused() -> None:
    with pytest.raises(TypeError, match="Jar has no field lid"):
        replace(JAR, lid=1)


def test_a_copy_is_as_frozen_as_its_original() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        replace(JAR, size=4).size = 5  # type: ignore[misc]
