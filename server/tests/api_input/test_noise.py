"""Bytes that nobody meant: refused in JSON, and nothing happens."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.contract import OPERATIONS
from tests.support.world import World

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
POSTS = sorted(one.id for one in OPERATIONS.values() if one.method == "POST")
NAMES = sorted({one.name for operation in OPERATIONS.values() for one in operation.every_input()})

noisy = settings(suppress_health_check=list(HealthCheck))
pytestmark = pytest.mark.usefixtures("unchanged")

# Names that there are, in ways that there are not.
broken_names = st.builds(
    lambda name, end: name + end,
    st.sampled_from(NAMES),
    st.sampled_from(
        ["", "[]", "[0]", "[x]", "[", "]", "[0][0]", "[][]", "%00", "%ff", ".x", "[-1]"]
    ),
)
values = st.sampled_from(
    ["", "x", "1", "-1", "true", "%", "%f0%9f", "1e9", "null", "{}", "[]", "x" * 999]
)
forms = st.lists(st.tuples(broken_names, values), min_size=1, max_size=6).map(
    lambda pairs: "&".join(f"{name}={value}" for name, value in pairs).encode()
)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
structures = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([one.split("[")[0] for one in NAMES]), inner, max_size=3)
    ),
    max_leaves=8,
)
# A parameter that does not exist keeps what is right by chance from being carried out.
jsons = structures.map(lambda value: json.dumps({"no_such_parameter": value}).encode())


def assert_refused(world: World, method: str, path: str, **how: Any) -> None:
    answer = world.api.raw(method, path, **how)
    assert 400 <= answer.status < 500, answer.body
    assert answer.error["type"] == "invalid_request_error"
    assert len(answer.content) < 4000


@noisy
@given(st.sampled_from(POSTS), st.binary(min_size=1, max_size=200), st.sampled_from([FORM, JSON]))
def test_random_bytes_are_refused(world: World, name: str, body: bytes, kind: str) -> None:
    operation = OPERATIONS[name]
    body = b"no_such_parameter=" + body if kind == FORM else b"\0" + body
    headers = {"Content-Type": kind}
    assert_refused(world, "POST", world.path(operation), content=body, headers=headers)


@noisy
@given(st.sampled_from(POSTS), forms)
def test_names_in_disorder_are_refused(world: World, name: str, body: bytes) -> None:
    operation = OPERATIONS[name]
    headers = {"Content-Type": FORM}
    body += b"&no_such_parameter=x"
    assert_refused(world, "POST", world.path(operation), content=body, headers=headers)


@noisy
@given(st.sampled_from(POSTS), jsons)
def test_structures_in_disorder_are_refused(world: World, name: str, body: bytes) -> None:
    operation = OPERATIONS[name]
    headers = {"Content-Type": JSON}
    assert_refused(world, "POST", world.path(operation), content=body, headers=headers)


@noisy
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60))
def test_random_paths_are_refused(world: World, noise: str) -> None:
    path = "/v1/nothing/" + noise.replace("#", "%23")
    url = httpx.URL(world.api.url).copy_with(raw_path=path.encode())
    for method in ("GET", "POST", "DELETE"):
        assert_refused(world, method, str(url))


@noisy
@given(
    st.sampled_from(["Authorization", "Stripe-Account", "Stripe-Version", "Content-Type"]),
    # Control characters never get past the parser of HTTP.
    st.text(st.characters(min_codepoint=32, max_codepoint=255), min_size=1, max_size=60)
    .filter(lambda value: not any(127 <= ord(one) < 160 for one in value))
    .map(lambda value: value.encode("latin-1")),
)
def test_random_headers_are_refused_or_ignored(world: World, name: str, value: bytes) -> None:
    headers = {name: b"x" + value.strip() + b"x"}
    path = world.path(OPERATIONS["create_customer"])
    answer = world.api.raw("POST", path, content=b"no_such_parameter=x", headers=headers)
    assert answer.status in (400, 401, 403, 415)
