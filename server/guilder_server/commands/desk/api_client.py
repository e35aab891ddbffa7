"""The API, as the commands call it: one account's, with its key."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any

import httpx
import msgspec

from guilder_server.commands.desk.api_address import Address
from guilder_server.commands.desk.api_trouble import Refused, Unreachable
from guilder_server.commands.desk.http_trouble import IN_WORDS, trouble_of

_TIMEOUT_S = 30

Params = Sequence[tuple[str, str | int]]


@dataclass(frozen=True, slots=True)
class Answer:
    """`now` is the server's clock, in Unix seconds and at most one too early."""

    body: dict[str, Any]
    now: float


class ApiClient:
    def __init__(self, address: Address, purpose: str) -> None:
        self.address = address
        self._http = httpx.AsyncClient(
            headers={
                "Authorization": f"Bearer {address.api_key}",
                "User-Agent": user_agent(purpose),
            },
            timeout=_TIMEOUT_S,
            # A proxy of the environment would not find a server on this machine.
            trust_env=False,
            verify=certificates_for(address.api_base),
        )

    async def get(self, path: str, params: Params = ()) -> Answer:
        return await self._send("GET", path, params=list(params))

    async def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return (await self._send("POST", path, json=dict(body))).body

    async def delete(self, path: str) -> dict[str, Any]:
        return (await self._send("DELETE", path)).body

    async def close(self) -> None:
        await self._http.aclose()

    async def _send(self, method: str, path: str, **what: Any) -> Answer:
        base = self.address.api_base
        try:
            response = await self._http.request(method, base + path, **what)
        except httpx.TransportError as error:
            raise Unreachable(base, IN_WORDS[trouble_of(error)]) from None
        try:
            body = msgspec.json.decode(response.content)
        except msgspec.DecodeError:
            body = None
        if not response.is_success:
            raise Refused(response.status_code, _error_in(body), _wait_in(response))
        if not isinstance(body, dict):
            raise Unreachable(base, "what answers there is not Guilder")
        return Answer(body, _clock_of(response))


def user_agent(purpose: str) -> str:
    return f"Guilder/{version('guilder')} ({purpose})"


def certificates_for(url: str) -> ssl.SSLContext | bool:
    """What HTTPS is checked against: the machine's own authorities, and SSL_CERT_FILE. Reading
    them takes longer than all else at the start, so they are left alone where there is no TLS."""
    return ssl.create_default_context() if url.startswith("https:") else False


def _error_in(body: Any) -> dict[str, Any]:
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def _wait_in(response: httpx.Response) -> float | None:
    told = response.headers.get("Retry-After", "")
    return float(told) if told.isascii() and told.isdigit() else None


def _clock_of(response: httpx.Response) -> float:
    try:
        return parsedate_to_datetime(response.headers["Date"]).timestamp()
    except (KeyError, ValueError):
        return time.time()
