"""No connection is made to a forbidden address, however it is spelled or hidden.

Each form goes through the check of URLs and through the sender, as if the check had let it pass,
and then through the sender with one wall after the other taken down.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from unittest.mock import Mock

import pytest
from yarl import URL

from guilder_server.kernel.errors import InvalidRequest
from guilder_server.webhooks.domain.replies import Reply
from guilder_server.webhooks.domain.urls import check_url
from guilder_server.webhooks.infra import connections, sender, troubles
from guilder_server.webhooks.infra.names import AddressInfo, Resolver, SystemResolver
from guilder_server.webhooks.infra.sender import Sender
from tests.support.listeners import Names, answer, listening
from tests.webhooks.ssrf_forms import (
    CHANGING,
    CHANGING_FORMS,
    NAME_FORMS,
    NAMES,
    URL_FORMS,
)

TLS = ssl.create_default_context()
FORMS = URL_FORMS + NAME_FORMS + CHANGING_FORMS
REFUSALS = {"forbidden_url", "forbidden_address", "name_not_found"}
HERE = {"127.0.0.1", "127.0.0.2", "0.0.0.0", "::", "::1", "::ffff:127.0.0.1"}
PUBLIC_ADDRESSES = {
    address
    for answers in (NAMES | CHANGING).values()
    for addresses in answers
    for address in addresses
    if address.startswith(("8.8.8.", "2606:4700:4700:"))
}


@dataclass
class Watch:
    """Listens on every address of this machine, and notes every address connected to."""

    port: int
    sockets: list[socket.socket]
    connected: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        count = 0
        for listener in self.sockets:
            with suppress(BlockingIOError):
                while True:
                    listener.accept()[0].close()
                    count += 1
        return count


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    listeners = [socket.create_server(("0.0.0.0", 0))]
    port = listeners[0].getsockname()[1]
    with suppress(OSError):  # There is no IPv6 here, or its port is taken.
        listeners.append(socket.create_server(("::", port), family=socket.AF_INET6))
    for listener in listeners:
        listener.setblocking(False)
    watch = Watch(port, listeners)
    connect = socket.socket.connect

    def spy(self: socket.socket, address: Any) -> None:
        watch.connected.append(address[0])
        if address[0] not in HERE:
            raise ConnectionRefusedError  # No test reaches for another machine.
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", spy)
    yield watch
    for listener in listeners:
        listener.close()


class Answers(Names):
    """Names that a test invents; other names are asked of the system if they are numbers in
    some spelling or names of this machine, which needs no name server."""

    def __init__(self) -> None:
        super().__init__(NAMES | CHANGING)
        self._system = SystemResolver()

    async def resolve(self, host: str, port: int) -> Sequence[AddressInfo]:
        with suppress(socket.gaierror):
            return await super().resolve(host, port)
        if host.rstrip(".")[-1:].isdigit() or "0x" in host.lower() or "localhost" in host.lower():
            return await self._system.resolve(host, port)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def close(self) -> None:
        await self._system.close()


@asynccontextmanager
async def sending(timeout_s: float = 5) -> AsyncIterator[Sender]:
    carrier = Sender(resolver=Answers(), tls=TLS, timeout_s=timeout_s, body_s=0.1)
    await carrier.open()
    try:
        yield carrier
    finally:
        await carrier.close()


async def post(carrier: Sender, url: str, *, loopback: bool = False) -> Reply:
    return await carrier.post(url, {}, b"{}", loopback=loopback)


def test_there_are_enough_forms() -> None:
    assert len(set(FORMS)) == len(FORMS) >= 120


@pytest.mark.parametrize("livemode", [False, True])
def test_the_check_of_urls_refuses_them(livemode: bool) -> None:
    passed = []
    for form in URL_FORMS:
        with suppress(InvalidRequest):
            passed.append(check_url(form.format(port=4343), livemode=livemode, loopback=False))
    assert passed == []


def test_the_check_of_urls_lets_this_machine_pass_by_its_own_names_only() -> None:
    for form in URL_FORMS:
        with suppress(InvalidRequest):
            host = URL(check_url(form.format(port=4343), livemode=False, loopback=True)).raw_host
            assert host is not None
            assert host in {"localhost", "app.localhost"} or ip_address(host).is_loopback


@pytest.mark.parametrize("form", FORMS)
async def test_nothing_is_connected_to(form: str, watch: Watch) -> None:
    url = form.format(port=watch.port)
    async with sending() as carrier:
        if form in CHANGING_FORMS:
            assert await carrier.vet(url, loopback=False) is None
        reply = await post(carrier, url)
    assert reply.trouble in REFUSALS
    assert watch.connected == []
    assert watch.accepted == 0


async def test_vetting_says_that_a_name_leads_to_a_forbidden_address() -> None:
    async with sending() as carrier:
        for form in NAME_FORMS:
            assert await carrier.vet(form.format(port=4343), loopback=False) == "forbidden_address"


async def test_where_this_machine_is_allowed_nothing_else_comes_with_it(watch: Watch) -> None:
    async with sending(timeout_s=0.05) as carrier:
        for form in FORMS:
            await post(carrier, form.format(port=watch.port), loopback=True)
    besides = set(watch.connected) - PUBLIC_ADDRESSES
    assert besides >= {"127.0.0.1", "127.0.0.2"}
    assert all(address == "::1" or ip_address(address).is_loopback for address in besides)


@pytest.fixture
def without_the_check_of_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sender takes whatever aiohttp takes."""

    def anything(url: str) -> Any:
        with suppress(ValueError):
            parsed = URL(url)
            return sender._Target(parsed, parsed.raw_host or "", parsed.port or 0, None)
        return None

    monkeypatch.setattr(sender, "_target", anything)
    monkeypatch.setattr(sender, "_refusal", lambda target, *, loopback: None)
    # What aiohttp does not take either is not worth a traceback each.
    monkeypatch.setattr(troubles, "log", Mock())


@pytest.fixture
def without_the_check_of_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a name resolves to is not looked at before a socket is made."""

    async def unvetted(resolver: Resolver, host: str, port: int, *, loopback: bool) -> list[str]:
        return [str(info[4][0]) for info in await resolver.resolve(host, port)]

    monkeypatch.setattr(connections, "vetted", unvetted)


async def post_all(forms: Sequence[str], watch: Watch) -> dict[str, list[str]]:
    """What was connected to for each of the forms for which anything was."""
    led = {}
    async with sending() as carrier:
        for form in forms:
            url = form.format(port=watch.port)
            if form in CHANGING_FORMS:
                await carrier.vet(url, loopback=False)
            if (await post(carrier, url)).success or watch.connected or watch.accepted:
                led[form] = watch.connected[:]
                if not PUBLIC_ADDRESSES.issuperset(watch.connected):
                    break
                watch.connected.clear()
    return led


@pytest.mark.usefixtures("without_the_check_of_targets")
async def test_the_second_wall_holds(watch: Watch) -> None:
    assert await post_all(FORMS, watch) == {}


@pytest.mark.usefixtures("without_the_check_of_targets", "without_the_check_of_answers")
async def test_the_last_wall_holds(watch: Watch) -> None:
    # Among several addresses, this wall lets the public ones be tried.
    led = await post_all(FORMS, watch)
    assert set().union(*led.values()) <= PUBLIC_ADDRESSES
    assert watch.accepted == 0


@pytest.mark.usefixtures("without_the_check_of_targets", "without_the_check_of_answers")
async def test_without_the_walls_the_forms_do_lead_to_this_machine(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "refuse_forbidden", lambda address, *, loopback: None)
    hosts = ["127.0.0.1", "0x7f000001", "this-machine.example.com", "[::1]", "0.0.0.0"]
    if len(watch.sockets) == 1:
        hosts.remove("[::1]")
    async with sending(timeout_s=0.1) as carrier:
        for host in hosts:
            await post(carrier, f"https://{host}:{watch.port}/")
            assert watch.accepted == 1
    assert len(watch.connected) == len(hosts)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{port}/",
        "http://[::1]:{port}/",
        "http://localhost:{port}/",
        "//127.0.0.2:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "https://this-machine.example.com:{port}/",
    ],
)
async def test_a_redirect_leads_nowhere(status: int, location: str, watch: Watch) -> None:
    reply = answer(f"{status} Elsewhere", b"", f"Location: {location.format(port=watch.port)}")
    async with listening(reply=reply) as listener, sending() as carrier:
        assert (await post(carrier, listener.url, loopback=True)).status == status
    assert watch.connected == ["127.0.0.1"]
    assert watch.accepted == 0
