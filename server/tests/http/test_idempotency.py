"""Keys, and what a request is known by."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from guilder_server.http.answer import Answer
from guilder_server.http.call import Call
from guilder_server.http.contract import Contract
from guilder_server.http.idempotency import Idempotency, Key, read_key
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import ManualClock
from guilder_server.kernel.errors import InvalidRequest
from guilder_server.postgres import snapshots
from guilder_server.postgres.seals import SealBroken, Seals
from tests.http.small import NOW, TENANT, Memory, call
from tests.support.api import Api, ApiServer
from tests.support.world import LISTENER

SEALS = Seals("k" * 32)
SECRET = "whsec_a7f3b1c9d2e8046f5a1b"
BODY = f'{{"object": "webhook_endpoint", "secret": "{SECRET}"}}'.encode()


def _keys(memory: Memory, secret: bytes = b"secret", seals: Seals = SEALS) -> Idempotency:
    return Idempotency(
        memory.key,
        secret,
        snapshots.pack,
        seals.pack,
        seals.unpack,
        memory.told,
        ManualClock(NOW),
        timedelta(seconds=60),
    )


def _fingerprint(asked: Call, secret: bytes = b"secret") -> bytes:
    key = _keys(Memory(), secret).key_of(asked)
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


async def _answered(memory: Memory, *, confidential: bool) -> Key:
    """An answer that was kept in `memory` under the key "k"."""
    key = _keys(memory).key_of(call(amount=5, key="k"))
    assert key is not None
    assert not key.confidential
    key = replace(key, confidential=confidential)
    claim = _keys(memory).answered(key, Answer(200, BODY))
    await memory.commit(Changes(TENANT, key=claim))
    return key


def _inside(kept: bytes) -> bytes:
    """All that somebody without a key can get out of what is kept."""
    found = kept
    for start in range(len(kept)):
        with suppress(Exception):
            found += snapshots.unpack(kept[start:])
    return found


@pytest.mark.anyio
@pytest.mark.parametrize("confidential", [True, False])
async def test_an_answer_that_holds_a_secret_is_kept_sealed_and_others_are_not(
    confidential: bool,
) -> None:
    memory = Memory()
    key = await _answered(memory, confidential=confidential)
    kept = memory.keys[TENANT.id, "k"].response
    assert (SECRET.encode() in _inside(kept)) == (not confidential)
    assert SECRET.encode() not in kept
    again = await _keys(memory).replay(TENANT, key)
    assert again is not None
    assert (again.status, again.body) == (200, BODY)


@pytest.mark.anyio
async def test_a_sealed_answer_is_not_repeated_by_who_has_another_key() -> None:
    memory = Memory()
    key = await _answered(memory, confidential=True)
    with pytest.raises(SealBroken):
        await _keys(memory, seals=Seals("another" * 8)).replay(TENANT, key)


def test_what_shows_a_secret_once_repeats_it_to_its_caller_and_keeps_it_from_the_database(
    api: Api, api_server: ApiServer
) -> None:
    def kept(word: str) -> bytes:
        with psycopg.connect(api_server.database_url) as connection:
            row = connection.execute(
                "SELECT response FROM idempotency_keys WHERE tenant_id = %s AND key = %s",
                [api.account.tenant_id, word],
            ).fetchone()
        assert row is not None
        return bytes(row[0])

    params = {"url": LISTENER, "enabled_events": ["*"]}
    made = api.post("/v1/webhook_endpoints", key="make", **params)
    roll = f"/v1/webhook_endpoints/{made['id']}/roll_secret"
    rolled = api.post(roll, key="roll")
    assert made["secret"] != rolled["secret"]
    for word, path, sent, answer in (
        ("make", "/v1/webhook_endpoints", params, made),
        ("roll", roll, {}, rolled),
    ):
        again = api.post(path, key=word, **sent)
        assert again.content == answer.content
        assert again.headers["idempotent-replayed"] == "true"
        inside = _inside(kept(word))
        assert answer["secret"].encode() not in inside
        assert answer["secret"].removeprefix("whsec_").encode() not in inside
    # What shows no secret is kept as everything else is.
    api.post(f"/v1/webhook_endpoints/{made['id']}", key="change", description="Ours")
    assert b"Ours" in _inside(kept("change"))
    assert len(api.get("/v1/webhook_endpoints")["data"]) == 1


def test_the_operations_whose_answers_are_sealed_are_those_that_show_a_secret() -> None:
    confidential = {
        name for name, operation in Contract.load().operations.items() if operation.confidential
    }
    assert confidential == {
        *("create_operator_key", "roll_operator_key"),
        *("create_api_key", "roll_api_key"),
        *("create_oauth_client", "roll_oauth_client_secret"),
        *("create_invitation", "create_recovery_codes", "retrieve_current_session"),
        *("create_webhook_endpoint", "roll_webhook_endpoint_secret"),
    }
