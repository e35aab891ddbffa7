"""The sender of webhooks, with little patience."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from guilder_server.webhooks.domain.replies import Reply
from guilder_server.webhooks.infra.sender import Sender
from tests.support.listeners import listening

BODY = b'{"id": "evt_1"}'
HEADERS = {
    "User-Agent": "Guilder/0.1.0 (webhooks)",
    "Content-Type": "application/json; charset=utf-8",
    "Stripe-Signature": "t=1,v1=00",
}


# Reading the system's authorities takes a tenth of a second.
TLS = ssl.create_default_context()


@asynccontextmanager
async def sending(**settings: Any) -> AsyncIterator[Sender]:
    sender = Sender(**({"timeout_s": 5.0, "body_s": 0.2, "tls": TLS} | settings))
    await sender.open()
    try:
        yield sender
    finally:
        await sender.close()


async def post(sender: Sender, url: str) -> Reply:
    return await sender.post(url, HEADERS, BODY, loopback=True)


async def reply_to(serve: Any, **settings: Any) -> Reply:
    async with sending(**settings) as sender, listening(serve) as listener:
        return await post(sender, listener.url)


async def reply_of(answered: bytes) -> Reply:
    async with sending() as sender, listening(reply=answered) as listener:
        return await post(sender, listener.url)
