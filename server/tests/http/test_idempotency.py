"""Keys, and what a request is known by."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from guilder_server.http.call import Call
from guilder_server.http.idempotency import Idempotency, read_key
from guilder_server.kernel.clock import ManualClock
from guilder_server.kernel.errors import InvalidRequest
from tests.http import small
from tests.http.small import NOW, Memory, call


def _fingerprint(asked: Call, secret: bytes = b"secret") -> bytes:
    keys = Idempotency(
        Memory().key, secret, small.pack, small.unpack, ManualClock(NOW), timedelta(seconds=60)
    )
    key = keys.key_of(asked)
    assert key is not None
    return key.fingerprint


def test_a_fingerprint_knows_a_request_however_it_is_written() -> None:
    one = call(amount=5, currency="usd", metadata={"a": "1", "b": "2"}, key="k")
    two = call(metadata={"b": "2", "a": "1"}, currency="usd", amount=5, key="k", request_id="req_2")
    assert _fingerprint(one) == _fingerprint(two)


@pytest.mark.parametrize(
    "other",
    [
        {"amount": 6},
        {"amount": "5"},
        {"amount": 5, "metadata": {}},
        {"amount": 5, "expand": ("customer",)},
        {"amount": 5, "operation": "update_customer", "path": {"customer": "cus_1"}},
    ],
)
def test_a_fingerprint_tells_requests_apart(other: dict[str, Any]) -> None:
    assert _fingerprint(call(amount=5, key="k")) != _fingerprint(call(key="k", **other))


def test_a_fingerprint_says_nothing_without_the_secret() -> None:
    asked = call(amount=5, key="k")
    assert _fingerprint(asked) != _fingerprint(asked, b"another")


@pytest.mark.parametrize("header", [b"k", b" k ", b"k" * 255, "schlüssel".encode()])
def test_a_key_is_any_word(header: bytes) -> None:
    assert read_key(header) == header.decode().strip()


@pytest.mark.parametrize("header", [b"", b"  ", b"k" * 256, b"\xff", b"a\x01b"])
def test_what_cannot_be_a_key_is_refused(header: bytes) -> None:
    with pytest.raises(InvalidRequest, match="Idempotency-Key"):
        read_key(header)
