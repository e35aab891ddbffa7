"""Metadata after a request: what was there, with what was sent laid over it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guilder_server.kernel.errors import InvalidRequest
from guilder_server.kernel.metadata import MAX_KEY_LENGTH, MAX_KEYS, MAX_VALUE_LENGTH, merge

_keys = st.text(st.characters(exclude_characters="[]", codec="utf-8"), min_size=1, max_size=6)
_values = st.text(min_size=1, max_size=6)
_kept = st.dictionaries(_keys, _values, max_size=6)
_sent = st.dictionaries(_keys, _values | st.just(""), max_size=6)


@given(current=_kept, given_=_sent)
def test_what_is_sent_is_set_and_the_rest_stays(
    current: dict[str, str], given_: dict[str, str]
) -> None:
    merged = merge(current, given_)
    for key in current.keys() | given_.keys():
        wanted = given_.get(key, current.get(key))
        assert merged.get(key) == (wanted or None)
    assert merged.keys() <= current.keys() | given_.keys()


@given(current=_kept, given_=_sent)
def test_nothing_kept_is_empty_and_nothing_given_is_changed(
    current: dict[str, str], given_: dict[str, str]
) -> None:
    before = dict(current)
    merged = merge(current, given_)
    assert "" not in merged.values()
    assert current == before
    assert merged is not current


@given(current=_kept, given_=_sent)
def test_sending_the_same_twice_changes_nothing_more(
    current: dict[str, str], given_: dict[str, str]
) -> None:
    once = merge(current, given_)
    assert merge(once, given_) == once


@given(current=_kept)
def test_nothing_sent_changes_nothing_and_the_empty_string_removes_all(
    current: dict[str, str],
) -> None:
    assert merge(current, None) == merge(current, {}) == current
    assert merge(current, "") == {}


def test_the_limits_themselves_are_within_the_limits() -> None:
    most = {f"key {number}": "x" for number in range(MAX_KEYS)}
    assert merge({}, most) == most
    longest = {"k" * MAX_KEY_LENGTH: "v" * MAX_VALUE_LENGTH}
    assert merge({}, longest) == longest


def test_one_key_too_many_is_refused_wherever_it_comes_from() -> None:
    most = {f"key {number}": "x" for number in range(MAX_KEYS)}
    with pytest.raises(InvalidRequest) as refused:
        merge(most, {"one more": "x"})
    assert refused.value.param == "metadata"
    assert merge(most, {"key 0": "", "one more": "x"}).keys() == most.keys() - {"key 0"} | {
        "one more"
    }


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        ({"": "x"}, "metadata"),
        ({"k" * (MAX_KEY_LENGTH + 1): "x"}, "metadata"),
        ({"a[b": "x"}, "metadata"),
        ({"a]b": "x"}, "metadata"),
        ({"long": "v" * (MAX_VALUE_LENGTH + 1)}, "metadata[long]"),
    ],
)
def test_what_is_malformed_is_refused_by_name(sent: dict[str, str], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        merge({}, sent)
    assert refused.value.param == param


def test_lengths_are_counted_in_characters() -> None:
    assert merge({}, {"ключ" * 10: "é" * MAX_VALUE_LENGTH})
