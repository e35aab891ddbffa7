"""Idempotency keys: one wish, one effect, one answer.

The key is claimed by the committer in the transaction of the work, so nothing is asked before
it: a first request pays nothing for its key, and a repeated one learns at its commit that it
was too late, changes nothing, and is answered what the first was.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import msgspec

from guilder_server.http.answer import Answer
from guilder_server.http.call import Call
from guilder_server.http.snapshots import Pack, Told, Unpack, object_in, teller_of, told_by
from guilder_server.kernel.changes import KeyClaim
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import IdempotencyMismatch, InvalidRequest, KeyInUse
from guilder_server.kernel.tenant import Tenant

LONGEST_KEY = 255


class KeyRecord(Protocol):
    """A key as it is stored; `status` 0 means that its request is still running."""

    @property
    def fingerprint(self) -> bytes: ...

    @property
    def status(self) -> int: ...

    @property
    def response(self) -> bytes: ...


class KeyStore(Protocol):
    async def __call__(self, tenant: Tenant, key: str) -> KeyRecord | None:
        """The record of a key. Sees every commit that was answered before."""


def read_key(header: bytes) -> str:
    """The key in an Idempotency-Key header."""
    try:
        key = header.decode().strip()
    except UnicodeDecodeError:
        key = ""
    if not key or len(key) > LONGEST_KEY or not key.isprintable():
        raise InvalidRequest(
            "parameter_invalid",
            f"Invalid Idempotency-Key: it must have 1 to {LONGEST_KEY} printable characters.",
        )
    return key


@dataclass(frozen=True, slots=True)
class Key:
    """The key of one request, with what the request was."""

    word: str
    fingerprint: bytes
    fence: str
    confidential: bool = False


class Idempotency:
    """`seal` packs the answers that hold a secret, and refusals: what they repeat of a request may
    be one. `unpack` reads both kinds; `told` finds the events that hold an answer."""

    def __init__(
        self,
        find: KeyStore,
        secret: bytes,
        pack: Pack,
        seal: Pack,
        unpack: Unpack,
        told: Told,
        clock: Clock,
        lease: timedelta,
    ) -> None:
        self._find, self._clock, self._lease = find, clock, lease
        # Parameters may hold a card number, so their digest is keyed. Setting up a keyed
        # digest costs as much as a request's worth of hashing: it is copied instead.
        self._digest = hmac.new(secret, digestmod="sha256")
        self._pack, self._seal, self._unpack, self._told = pack, seal, unpack, told

    def key_of(self, call: Call) -> Key | None:
        if call.idempotency_key is None:
            return None
        # A browser is shown less of the same: it must not be answered what its merchant was.
        said = [call.params, call.expand, call.credential.kind == "publishable"]
        if call.operation.confidential:
            # A secret is told again to whom it was told, and to nobody who repeats their words.
            said.append(call.credential.id)
        params = msgspec.json.encode(said, order="sorted")
        digest = self._digest.copy()
        digest.update(b"\0".join([call.operation.method.encode(), call.url.encode(), params]))
        # Half of it tells two requests apart as surely, and there is one for every write.
        fingerprint = digest.digest()[:16]
        confidential = call.operation.confidential
        return Key(call.idempotency_key, fingerprint, call.request_id, confidential)

    def started(self, key: Key) -> KeyClaim:
        """A claim that holds while a gateway is asked."""
        now = self._clock.now()
        return KeyClaim(
            key.word, key.fingerprint, 0, b"", now, lease_until=now + self._lease, fence=key.fence
        )

    def answered(
        self, key: Key, answer: Answer, *, started: bool = False, event: str | None = None
    ) -> KeyClaim:
        """A claim with its answer, or the end of a claim that was started. `event` is one of the
        same commit whose object is what is answered."""
        if event is not None and not key.confidential:
            kept = told_by(event)
        elif key.confidential or answer.status >= 400:
            kept = self._seal(answer.body)
        else:
            kept = self._pack(answer.body)
        return KeyClaim(
            key.word,
            key.fingerprint,
            answer.status,
            kept,
            self._clock.now(),
            finishes=key.fence if started else None,
        )

    async def replay(self, tenant: Tenant, key: Key) -> Answer | None:
        """What was answered under this key before; None when it is not known.

        Raises KeyInUse while the first request is running, and IdempotencyMismatch when that
        was another one.
        """
        record = await self._find(tenant, key.word)
        if record is None:
            return None
        if not hmac.compare_digest(record.fingerprint, key.fingerprint):
            raise IdempotencyMismatch(
                f"The idempotency key '{key.word}' was used before, for a request that was not "
                "this one. A new request needs a new key."
            )
        if record.status == 0:
            raise in_use(key.word)
        body = await self._body(tenant, record.response)
        return Answer(record.status, body, ((b"idempotent-replayed", b"true"),))

    async def _body(self, tenant: Tenant, kept: bytes) -> bytes:
        event = teller_of(kept)
        if event is None:
            return self._unpack(kept)
        payload = await self._told(tenant, event)
        # Events are kept for longer than keys.
        assert payload is not None, f"the event {event} is gone, and an answer with it"
        return object_in(self._unpack(payload))


def in_use(word: str) -> KeyInUse:
    return KeyInUse(
        f"The request that came first with the idempotency key '{word}' is still being carried "
        "out. Repeat it in a moment."
    )
