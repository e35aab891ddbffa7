"""Carrying events to a program on the developer's machine, as a webhook endpoint gets them.

Any address is fine: it was given by the person whose machine this is, and nobody else's request
leads here.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from hashlib import sha256
from typing import Any

import httpx
import msgspec

from guilder_server.commands.desk.api_client import certificates_for, user_agent
from guilder_server.commands.desk.http_trouble import trouble_of
from guilder_server.webhooks.domain.replies import Reply
from guilder_server.webhooks.domain.signatures import secret_of, signed_headers

TIMEOUT_S = 15
_ENOUGH_BYTES = 1 << 20


def listener_secret(api_key: str) -> str:
    """The signing secret of whoever listens with this key: the same each time, kept nowhere."""
    return secret_of(hmac.digest(api_key.encode(), b"listen", sha256))


class Forwarder:
    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._secret = secret
        self._http = httpx.AsyncClient(
            headers={
                "Content-Type": "application/json; charset=utf-8",
                "User-Agent": user_agent("listen"),
            },
            timeout=TIMEOUT_S,
            follow_redirects=False,
            trust_env=False,
            verify=certificates_for(url),
        )

    async def forward(self, event: dict[str, Any]) -> Reply:
        """One attempt; a listener for development is told once and not again."""
        body = msgspec.json.encode(event)
        signed = signed_headers([self._secret], event["id"], int(time.time()), body)
        began = time.monotonic()
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                self._http.stream("POST", self._url, content=body, headers=signed) as response,
            ):
                latency_ms = _since(began)
                await _let_it_finish(response)
        except (httpx.TransportError, TimeoutError) as error:
            return Reply(_since(began), trouble=trouble_of(error))
        return Reply(latency_ms, response.status_code)

    async def close(self) -> None:
        await self._http.aclose()


async def _let_it_finish(response: httpx.Response) -> None:
    """Programs complain when they are hung up on in the middle of their answer. What matters was
    said at its beginning, so a later trouble is none."""
    size = 0
    try:
        async for chunk in response.aiter_raw():
            size += len(chunk)
            if size > _ENOUGH_BYTES:
                return
    except httpx.TransportError:
        return


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
