"""Connections are kept, replaced, and verified."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.listeners import Names, answer, listening, read_request
from tests.support.senders import BODY, HEADERS, post, sending


async def test_a_connection_is_used_again() -> None:
    async with sending() as sender, listening(reply=answer(body=b"ok")) as listener:
        for _ in range(5):
            assert (await post(sender, listener.url)).success
    assert listener.accepted == 1


async def test_a_connection_is_not_used_again_after_idling_long() -> None:
    async with sending(idle_s=0.05) as sender, listening() as listener:
        await post(sender, listener.url)
        await asyncio.sleep(0.1)
        await post(sender, listener.url)
    assert listener.accepted == 2


async def test_a_connection_with_something_left_on_it_is_not_used_again() -> None:
    async with sending() as sender, listening(reply=answer(body=b"x" * 200_000)) as listener:
        await post(sender, listener.url)
        await post(sender, listener.url)
    assert listener.accepted == 2


async def test_an_answer_out_of_turn_is_not_taken_for_the_next() -> None:
    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer("500 Internal Server Error"))
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(answer("200 OK"))
        await asyncio.sleep(60)

    async with sending() as sender, listening(twice) as listener:
        for _ in range(3):
            assert (await post(sender, listener.url)).status == 500
            await asyncio.sleep(0.1)
    assert listener.accepted == 3


async def test_a_connection_closed_while_idle_is_replaced_at_once() -> None:
    async def serve_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer())
        # Hangs up at the moment at which the next request comes.
        await read_request(reader)

    async with sending() as sender, listening(serve_once) as listener:
        for _ in range(4):
            assert (await post(sender, listener.url)).success
    assert listener.accepted == 4


async def test_a_first_connection_that_is_closed_is_not_tried_again() -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)

    async with sending() as sender, listening(close) as listener:
        reply = await post(sender, listener.url)
    assert reply.trouble == "disconnected"
    assert listener.accepted == 1


async def test_a_reused_connection_that_began_to_answer_is_not_tried_again() -> None:
    async def serve_half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer())
        await read_request(reader)
        writer.write(b"HTTP/1.1 2")
        await writer.drain()

    async with sending() as sender, listening(serve_half) as listener:
        assert (await post(sender, listener.url)).success
        assert (await post(sender, listener.url)).trouble == "disconnected"
    assert listener.accepted == 1


async def test_only_one_second_try_is_made() -> None:
    served = 0

    async def first_only(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        served += 1
        await read_request(reader)
        if served == 1:
            writer.write(answer())
            await read_request(reader)

    async with sending() as sender, listening(first_only) as listener:
        assert (await post(sender, listener.url)).success
        assert (await post(sender, listener.url)).trouble == "disconnected"
    assert listener.accepted == 2


async def test_the_second_try_does_not_meet_another_connection_that_is_gone() -> None:
    served = 0

    async def once_each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        served += 1
        first = served <= 3
        await read_request(reader)
        if first:
            await asyncio.sleep(0.1)
        writer.write(answer())
        await read_request(reader)

    async with sending() as sender, listening(once_each) as listener:
        replies = await asyncio.gather(*(post(sender, listener.url) for _ in range(3)))
        assert (await post(sender, listener.url)).success
    assert all(reply.success for reply in replies)
    assert listener.accepted == 4


async def test_a_name_is_resolved_once_for_each_connection() -> None:
    names = Names({"shop.example.com": [["127.0.0.1"]]})
    async with sending(resolver=names, idle_s=0.05) as sender, listening() as listener:
        url = listener.url.replace("127.0.0.1", "shop.example.com")
        for _ in range(3):
            await post(sender, url)
        await asyncio.sleep(0.1)
        await post(sender, url)
    assert listener.accepted == 2
    assert names.asked == ["shop.example.com"] * 2


class Authority:
    """Signs certificates for one test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A test's authority")])
        self._pem = self._sign(self._name, self._key.public_key(), ca=True)

    def _sign(self, name: x509.Name, key: Any, *, ca: bool, host: str = "") -> bytes:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if host:
            names = x509.SubjectAlternativeName([x509.DNSName(host)])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def server(self, host: str) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        file = self._folder / f"{host}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + self._sign(x509.Name([]), key.public_key(), ca=False, host=host)
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        return context

    def client(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self._pem.decode())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


NAMES = {"shop.example.com": [["127.0.0.1"]], "other.example.com": [["127.0.0.1"]]}


async def test_tls_is_verified_against_the_name(authority: Authority) -> None:
    server = authority.server("shop.example.com")
    async with (
        listening(reply=answer(body=b"ok"), tls=server) as listener,
        sending(resolver=Names(NAMES), tls=authority.client()) as sender,
    ):
        url = f"https://shop.example.com:{listener.port}/hook"
        assert (await post(sender, url)).success
        assert (await post(sender, url)).success
        assert listener.accepted == 1
        assert listener.server_names == ["shop.example.com"]
        assert f"\r\nHost: shop.example.com:{listener.port}\r\n".encode() in listener.requests[0]
        wrong = await post(sender, url.replace("shop", "other"))
        assert (wrong.status, wrong.trouble) == (None, "tls_failed")
        address = await post(sender, f"https://127.0.0.1:{listener.port}/hook")
        assert address.trouble == "tls_failed"
    assert len(listener.requests) == 2


async def test_a_certificate_of_an_unknown_authority_is_refused(authority: Authority) -> None:
    server = authority.server("shop.example.com")
    async with (
        listening(tls=server) as listener,
        sending(resolver=Names(NAMES), tls=None) as sender,
    ):
        reply = await post(sender, f"https://shop.example.com:{listener.port}/hook")
    assert (reply.status, reply.trouble) == (None, "tls_failed")
    assert listener.requests == []


async def test_tls_to_what_speaks_none_is_said() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await asyncio.sleep(60)

    async with sending() as sender, listening(plain) as listener:
        reply = await post(sender, listener.url.replace("http:", "https:"))
    assert (reply.status, reply.trouble) == (None, "tls_failed")


async def test_a_handshake_that_hangs_times_out() -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with sending(timeout_s=0.3) as sender, listening(hang) as listener:
        reply = await post(sender, listener.url.replace("http:", "https:"))
    assert (reply.status, reply.trouble) == (None, "timeout")


async def test_a_connection_under_the_wider_rule_does_not_serve_the_narrower(
    authority: Authority,
) -> None:
    server = authority.server("shop.example.com")
    async with (
        listening(tls=server) as listener,
        sending(resolver=Names(NAMES), tls=authority.client()) as sender,
    ):
        url = f"https://shop.example.com:{listener.port}/hook"
        assert (await sender.post(url, HEADERS, BODY, loopback=True)).success
        narrower = await sender.post(url, HEADERS, BODY, loopback=False)
        assert narrower.trouble == "forbidden_address"
        assert (await sender.post(url, HEADERS, BODY, loopback=True)).success
    assert listener.accepted == 1
    assert len(listener.requests) == 2
