"""A merchant whose clients wish one thing after another, and lose nothing on the way.

Each wish has an idempotency key and is repeated under it until it is answered, through servers
that die, databases that are away and gateways that lose replies. What the merchant was told is
kept in `replies`, so that a test can hold the books against it.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg

from guilder_server.tenancy.bootstrap import DevAccount

# What these make carries the name of the wish, so that it can be counted.
_MAKING = ("/v1/payment_intents", "/v1/refunds")
_PATIENCE_S = 60


@dataclass(frozen=True)
class Reply:
    status: int
    content: bytes
    replayed: bool

    @property
    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.content)
        return found


@dataclass
class Merchant:
    """`gives_up` is the share of wishes that are not said again once they have gone wrong; their
    keys are then `abandoned`. `trouble` counts what went wrong, by its name."""

    url: str
    account: DevAccount
    gives_up: float = 0.0
    name: str = "wish"
    replies: dict[str, Reply] = field(default_factory=dict)
    abandoned: set[str] = field(default_factory=set)
    wishes: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    trouble: Counter[str] = field(default_factory=Counter)
    random: random.Random = field(default_factory=lambda: random.Random(7))

    def __post_init__(self) -> None:
        self._client = httpx.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.account.secret_key}"},
            timeout=30,
            verify=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=64),
        )

    async def wish(self, path: str, **form: Any) -> Reply | None:
        """The answer in the end; None if this client gave up waiting for it."""
        key = f"{self.name}-{len(self.wishes) + 1}"
        if path in _MAKING:
            form["metadata[wish]"] = key
        self.wishes[key] = (path, form)
        return await self.say(key, gives_up=self.random.random() < self.gives_up)

    async def say(self, key: str, *, gives_up: bool = False) -> Reply | None:
        """Say a wish until it is answered; one that was answered before is said again."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            reply = await self._once(key)
            if reply is not None:
                self.replies.setdefault(key, reply)
                self.abandoned.discard(key)
                return reply
            if gives_up:
                self.abandoned.add(key)
                return None
            assert time.monotonic() < deadline, f"{key} is not answered: {self.trouble}"
            await asyncio.sleep(0.1 + 0.1 * self.random.random())

    @asynccontextmanager
    async def trading(
        self, work: Callable[[Merchant], Awaitable[object]], clients: int = 16
    ) -> AsyncIterator[None]:
        """`work` again and again, by many clients at once, for as long as the context lasts;
        afterwards all wishes have been answered or given up."""
        stop = asyncio.Event()

        async def client() -> None:
            while not stop.is_set():
                await work(self)

        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(client())
            yield
            stop.set()

    def told(self) -> set[str]:
        """The wishes of which the merchant knows that they have made a payment or a refund."""
        return {
            key
            for key, reply in self.replies.items()
            if f'"wish":"{key}"'.encode() in reply.content
        }

    async def said_again(self) -> list[str]:
        """Which wishes are answered otherwise than they were, when they are said once more."""
        different = []
        keys = iter(list(self.replies))

        async def client() -> None:
            for key in keys:
                first, again = self.replies[key], await self.say(key)
                assert again is not None
                if not again.replayed or (first.status, first.content) != (
                    again.status,
                    again.content,
                ):
                    different.append(key)

        await asyncio.gather(*(client() for _ in range(16)))
        return different

    async def close(self) -> None:
        await self._client.aclose()

    async def _once(self, key: str) -> Reply | None:
        path, form = self.wishes[key]
        try:
            response = await self._client.post(path, data=form, headers={"Idempotency-Key": key})
        except (httpx.TransportError, AttributeError) as error:
            # An AttributeError is what anyio makes of a connection that dies while it is opened.
            self.trouble[type(error).__name__] += 1
            return None
        if response.status_code >= 500 or response.status_code == 409:
            self.trouble[str(response.status_code)] += 1
            return None
        replayed = response.headers.get("idempotent-replayed") == "true"
        return Reply(response.status_code, response.content, replayed)


async def a_sale(merchant: Merchant) -> None:
    """Mostly paid at once; some given back, some only held first, some cards refused."""
    amount = 100 + merchant.random.randrange(10_000)
    kind = merchant.random.choice(["plain", "plain", "refunded", "captured", "canceled", "refused"])
    paid = await merchant.wish(
        "/v1/payment_intents",
        amount=amount,
        currency="usd",
        confirm="true",
        payment_method="pm_card_chargeDeclined" if kind == "refused" else "pm_card_visa",
        capture_method="manual" if kind in ("captured", "canceled") else "automatic",
    )
    if paid is None or paid.status != 200:
        return
    intent = paid.body["id"]
    if kind == "refunded":
        for _ in range(2):
            await merchant.wish("/v1/refunds", payment_intent=intent, amount=amount // 2)
    elif kind == "captured":
        await merchant.wish(f"/v1/payment_intents/{intent}/capture", amount_to_capture=amount // 2)
    elif kind == "canceled":
        await merchant.wish(f"/v1/payment_intents/{intent}/cancel")


def made(database_url: str) -> Counter[str]:
    """How many payments and refunds each wish has made."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            """
            SELECT metadata->>'wish' FROM payment_intents
            UNION ALL SELECT metadata->>'wish' FROM refunds
            """
        ).fetchall()
    return Counter(row[0] for row in rows)


def in_between(database_url: str) -> list[str]:
    """What is not settled: open attempts, payments under way, keys without an answer."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            """
            SELECT 'attempt ' || id || ' ' || kind || ' ' || state FROM gateway_attempts
            WHERE state NOT IN ('succeeded', 'failed')
            UNION ALL SELECT 'intent ' || id || ' ' || status FROM payment_intents
            WHERE status = 'processing' OR attempt_id IS NOT NULL
            UNION ALL SELECT 'charge ' || id || ' ' || status FROM charges
            WHERE status = 'pending' OR attempt_id IS NOT NULL
            UNION ALL SELECT 'refund ' || id FROM refunds WHERE status = 'pending'
            UNION ALL SELECT 'key ' || key FROM idempotency_keys WHERE status = 0
            """
        ).fetchall()
    return [row[0] for row in rows]


def books_of_gateway(record: dict[str, Any]) -> dict[str, tuple[int, int, bool]]:
    """By authorization: what was taken, what was given back, whether the hold is still open."""
    return {
        held["reference"]: (held["captured"], held["refunded"], bool(held["open"]))
        for held in record["authorizations"]
    }


def books_of_guilder(database_url: str) -> dict[str, tuple[int, int, bool]]:
    """The same of every charge that was authorized. A payment with two of them, or an
    authorization without one, shows as a difference."""
    with psycopg.connect(database_url) as connection:
        twice = connection.execute(
            "SELECT payment_intent_id FROM charges WHERE status = 'succeeded' "
            "GROUP BY 1 HAVING count(*) > 1"
        ).fetchall()
        assert twice == []
        rows = connection.execute(
            "SELECT reference, amount_captured, amount_refunded, NOT captured AND NOT released "
            "FROM charges WHERE status = 'succeeded'"
        ).fetchall()
    return {reference: (captured, refunded, held) for reference, captured, refunded, held in rows}
