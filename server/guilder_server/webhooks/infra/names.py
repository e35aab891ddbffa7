"""From a name to the addresses that it may be connected at."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any, Protocol

from guilder_server.webhooks.domain.addresses import forbidden

# As of socket.getaddrinfo: family, type, protocol, canonical name, and the socket's address.
AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]

# More addresses of one name are vetted, but not tried.
MOST_TRIED = 8

# Lookups block their thread for as long as a name server likes, up to some ten seconds.
_THREADS = 64


class ForbiddenAddress(Exception):
    """Something leads to an address that nothing may be sent to."""


class Resolver(Protocol):
    async def resolve(self, host: str, port: int) -> Sequence[AddressInfo]:
        """Raises OSError where the name leads nowhere."""
        ...

    async def close(self) -> None: ...


class SystemResolver:
    """Asks the operating system, in threads of its own, so that names whose servers do not
    answer hold up nothing but each other. Who asks for a name that is being asked for waits for
    the same answer."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="webhook-names")
        self._asked: dict[tuple[str, int], asyncio.Future[list[AddressInfo]]] = {}

    async def resolve(self, host: str, port: int) -> Sequence[AddressInfo]:
        key = (host, port)
        answer = self._asked.get(key)
        if answer is None:
            answer = asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port)
            self._asked[key] = answer
            answer.add_done_callback(lambda done: self._forget(key, done))
        # One who stops waiting does not take the answer from the others.
        return await asyncio.shield(answer)

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _forget(self, key: tuple[str, int], answer: asyncio.Future[list[AddressInfo]]) -> None:
        self._asked.pop(key, None)
        if not answer.cancelled():
            answer.exception()  # Seen, in case nobody waits for it any more.


def _look_up(host: str, port: int) -> list[AddressInfo]:
    # As bytes: the codec that Python applies to text knows an older IDNA, and our names are ASCII.
    return list(socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM))


async def vetted(resolver: Resolver, host: str, port: int, *, loopback: bool) -> list[str]:
    """The addresses of `host` to connect at. Raises ForbiddenAddress if one of all is forbidden,
    since a public one among private ones is how filters are got around, and OSError if there is
    none."""
    addresses = [str(info[4][0]) for info in await resolver.resolve(host, port)]
    if not addresses:
        raise OSError(f"{host} has no address")
    for address in addresses:
        refuse_forbidden(address, loopback=loopback)
    return list(dict.fromkeys(addresses))[:MOST_TRIED]


def refuse_forbidden(address: str, *, loopback: bool) -> None:
    try:
        parsed = ip_address(address)
    except ValueError:
        # The operating system would read something into it that was not vetted.
        raise ForbiddenAddress from None
    if forbidden(parsed, loopback=loopback):
        raise ForbiddenAddress
