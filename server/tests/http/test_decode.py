"""Forms, query strings and JSON into plain structures."""

from __future__ import annotations

import contextlib
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stripe._encode import _api_encode

from guilder_server.http import decode
from guilder_server.http.errors import HttpRefusal
from guilder_server.kernel.errors import InvalidRequest


@pytest.mark.parametrize(
    ("form", "found"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a", {"a": ""}),
        ("a=", {"a": ""}),
        ("a=b=c", {"a": "b=c"}),
        ("&a=1&&b=2&", {"a": "1", "b": "2"}),
        ("a=1+2%2B3", {"a": "1 2+3"}),
        ("a=%C3%A9", {"a": "é"}),
        ("a=é", {"a": "é"}),
        ("a[b]=1", {"a": {"b": "1"}}),
        ("a%5Bb%5D=1", {"a": {"b": "1"}}),
        ("a[b][c]=1&a[b][d]=2", {"a": {"b": {"c": "1", "d": "2"}}}),
        ("a[0]=x&a[1]=y", {"a": {"0": "x", "1": "y"}}),
        ("a[]=x&a[]=y", {"a": ["x", "y"]}),
        ("a[][b]=1&a[][c]=2&a[][b]=3", {"a": [{"b": "1", "c": "2"}, {"b": "3"}]}),
        ("a[][b][]=1&a[][b][]=2&a[][c]=3", {"a": [{"b": ["1", "2"], "c": "3"}]}),
        ("a[x][]=1&a[x][]=2", {"a": {"x": ["1", "2"]}}),
        ("a=1&a=2&a=3", {"a": ["1", "2", "3"]}),
    ],
)
def test_a_form_becomes_a_structure(form: str, found: dict[str, Any]) -> None:
    assert decode.decode_form(form.encode()) == found


def test_a_repeated_name_is_told_from_an_array() -> None:
    assert isinstance(decode.decode_form(b"a=1&a=2")["a"], decode.Repeated)
    assert not isinstance(decode.decode_form(b"a[]=1&a[]=2")["a"], decode.Repeated)


@pytest.mark.parametrize(
    ("form", "word"),
    [
        (b"a=%zz", "%"),
        (b"a=%2", "%"),
        (b"a%=1", "%"),
        (b"a=\xff", "UTF-8"),
        (b"a=%ff", "UTF-8"),
        (b"%ff=1", "UTF-8"),
        (b"a=%ED%A0%80", "UTF-8"),  # a lone surrogate
        (b"a=%00", "NUL"),
        (b"a=\0", "NUL"),
        (b"a%00=1", "NUL"),
        (b"=1", "brackets"),
        (b"[a]=1", "brackets"),
        (b"a[b=1", "brackets"),
        (b"a]b=1", "brackets"),
        (b"a[b]c=1", "brackets"),
        (b"a[[b]]=1", "brackets"),
        (b"a[][]=1", "indexes"),
        (b"a=1&a[b]=2", "different kinds"),
        (b"a[b]=1&a=2", "different kinds"),
        (b"a[]=1&a[b]=2", "different kinds"),
        (b"a[b]=1&a[]=2", "different kinds"),
        (b"a=1&a=2&a[]=3", "different kinds"),
        (b"a" + b"[b]" * 32 + b"=1", "deeper"),
        (b"a&" * 3000, "more than"),
        (b'{"amount": 1}', "JSON"),
    ],
)
def test_a_malformed_form_is_refused(form: bytes, word: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        decode.decode_form(form)
    assert word in refused.value.message


def test_a_form_may_be_as_deep_as_the_limit() -> None:
    assert decode.decode_form(b"a" + b"[b]" * 31 + b"=1")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"{", "valid JSON"),
        (b"[]", "object"),
        (b"1", "object"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": Infinity}', "Infinity"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": 1' + b"0" * 50 + b"}", "digits"),
        (b'{"a": 1, "a": 2}', "more than once"),
        (b'{"a": {"b": 1, "b": 2}}', "more than once"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b'{"a": "\\u0000"}', "NUL"),
        (b'{"a\\u0000": 1}', "NUL"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"\\ud800": 1}', "surrogate"),
        (b'{"a": ' * 33 + b"1" + b"}" * 33, "deeper"),
        (b'{"a": ' + b"[" * 32 + b"]" * 32 + b"}", "deeper"),
        (b"[" * 500_000, "deeper"),
    ],
)
def test_malformed_json_is_refused(body: bytes, word: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        decode.decode_json(body)
    assert word in refused.value.message


def test_json_may_be_as_deep_as_the_limit() -> None:
    assert decode.decode_json(b'{"a": ' * 32 + b"1" + b"}" * 32)
    assert decode.decode_json(b'{"a": ' + b"[" * 31 + b"]" * 31 + b"}")


@pytest.mark.parametrize(
    ("content_type", "body", "found"),
    [
        (None, b"", ({}, False)),
        ("text/plain", b"", ({}, False)),
        ("application/x-www-form-urlencoded", b"a=1", ({"a": "1"}, False)),
        ("application/x-www-form-urlencoded; charset=UTF-8", b"a=1", ({"a": "1"}, False)),
        ("Application/JSON", b'{"a": 1}', ({"a": 1}, True)),
        ('application/json; charset="utf-8"', b'{"a": 1}', ({"a": 1}, True)),
    ],
)
def test_the_content_type_says_how_to_read(
    content_type: str | None, body: bytes, found: tuple[dict[str, Any], bool]
) -> None:
    assert decode.decode_body(content_type, body) == found


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin-1",
        "application/xml",
    ],
)
def test_an_unknown_content_type_is_refused(content_type: str | None) -> None:
    with pytest.raises(HttpRefusal) as refused:
        decode.decode_body(content_type, b"a=1")
    assert refused.value.status == 415


def test_a_parameter_cannot_be_in_two_places() -> None:
    assert decode.merge({"a": "1"}, {"b": "2"}) == {"a": "1", "b": "2"}
    with pytest.raises(InvalidRequest, match="both"):
        decode.merge({"a": "1"}, {"a": "2"})


names = st.text(
    st.characters(blacklist_characters="[]{\0", blacklist_categories=["Cs"]), min_size=1, max_size=8
)
texts = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=8)
structures = st.dictionaries(
    names,
    st.recursive(
        texts,
        lambda inner: (
            st.lists(inner, min_size=1, max_size=3)
            | st.dictionaries(names, inner, min_size=1, max_size=3)
        ),
        max_leaves=8,
    ),
    max_size=4,
)


def _lists_as_dicts(value: Any) -> Any:
    """What a form can say of a structure: an index is a name."""
    if isinstance(value, list):
        return {str(place): _lists_as_dicts(item) for place, item in enumerate(value)}
    if isinstance(value, dict):
        return {name: _lists_as_dicts(item) for name, item in value.items()}
    return value


@given(structures)
def test_what_the_official_client_encodes_is_decoded(structure: dict[str, Any]) -> None:
    encoded = urlencode(list(_api_encode(structure)))
    assert decode.decode_form(encoded.encode()) == _lists_as_dicts(structure)


@given(structures)
def test_json_is_read_as_it_is(structure: dict[str, Any]) -> None:
    for ascii_only in (True, False):
        body = json.dumps(structure, ensure_ascii=ascii_only).encode()
        assert decode.decode_json(body) == structure


@given(st.binary(max_size=60))
def test_no_bytes_are_more_than_refused(body: bytes) -> None:
    for read in (decode.decode_form, decode.decode_json):
        with contextlib.suppress(InvalidRequest):
            read(body)
