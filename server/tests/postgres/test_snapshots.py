"""Snapshots: what was packed comes out again, or it is said that it does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guilder_server.postgres import snapshots
from guilder_server.postgres.snapshots import current_version, pack, unpack

_CHARGE = json.dumps(
    {
        "id": "ch_1",
        "object": "charge",
        "amount": 2000,
        "balance_transaction": "txn_1",
        "billing_details": {"address": None, "email": None, "name": "Amy", "phone": None},
        "metadata": {"order": "1234"},
        "payment_method_details": {"card": {"brand": "visa", "last4": "4242"}, "type": "card"},
    },
    separators=(",", ":"),
).encode()

_plain = st.none() | st.booleans() | st.integers() | st.text()
_objects = st.recursive(
    _plain, lambda part: st.lists(part) | st.dictionaries(st.text(), part), max_leaves=30
)


@given(packed=_objects.map(lambda value: json.dumps(value).encode()) | st.binary())
def test_what_was_packed_comes_out(packed: bytes) -> None:
    assert unpack(pack(packed)) == packed


def test_nothing_at_all_can_be_packed() -> None:
    assert unpack(pack(b"")) == b""


def test_a_large_object_comes_out() -> None:
    large = json.dumps([{"number": number} for number in range(100_000)]).encode()
    assert unpack(pack(large)) == large
    assert len(pack(large)) < len(large) / 4


def test_the_first_byte_is_the_version_of_the_dictionary() -> None:
    assert pack(_CHARGE)[0] == current_version()


def test_the_dictionary_knows_our_objects() -> None:
    assert len(pack(_CHARGE)) < len(_CHARGE) / 2


def test_a_snapshot_of_an_earlier_version_is_read_with_its_own_dictionary(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshots, "current_version", lambda family="": 0)
    plain = pack(_CHARGE)
    assert plain[0] == 0
    monkeypatch.undo()
    assert unpack(plain) == _CHARGE


@given(place=st.integers(0), other=st.integers(1, 255), packed=st.just(_CHARGE) | st.binary())
def test_no_damaged_byte_goes_unnoticed(place: int, other: int, packed: bytes) -> None:
    damaged = bytearray(pack(packed))
    place %= len(damaged)
    damaged[place] ^= other
    with pytest.raises(ValueError, match="snapshot"):
        unpack(bytes(damaged))


@given(length=st.integers(0, len(pack(_CHARGE)) - 1))
def test_a_snapshot_that_was_cut_short_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="snapshot"):
        unpack(pack(_CHARGE)[:length])


def test_what_follows_a_snapshot_is_refused() -> None:
    with pytest.raises(ValueError, match="snapshot"):
        unpack(pack(_CHARGE) + b"more")


@pytest.mark.parametrize("version", [current_version() + 1, 255])
def test_a_snapshot_of_a_later_version_asks_for_an_upgrade(version: int) -> None:
    with pytest.raises(ValueError, match="upgrade Guilder"):
        unpack(bytes([version]) + pack(_CHARGE)[1:])


def test_no_released_dictionary_is_missing() -> None:
    folder = Path(snapshots.__file__).parent / "dictionaries"
    versions = sorted(int(path.stem) for path in folder.glob("*.zdict"))
    assert versions == list(range(1, current_version() + 1))
