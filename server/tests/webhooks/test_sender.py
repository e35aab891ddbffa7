"""One request is carried to a listener, whatever the listener does."""

from __future__ import annotations

import asyncio
import gc
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from guilder_server.webhooks.domain.replies import LONGEST_EXCERPT, Reply
from guilder_server.webhooks.infra.sender import Sender
from tests.support.listeners import Names, answer, listening, read_request

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


async def test_the_request_is_what_was_given_and_nothing_odd() -> None:
    async with sending() as sender, listening(reply=answer(body=b"thanks")) as listener:
        reply = await post(sender, listener.url + "?a=%2F&b=c+d")
    assert reply.success
    assert (reply.status, reply.trouble, reply.excerpt) == (200, None, "thanks")
    [request] = listener.requests
    head, _, body = request.partition(b"\r\n\r\n")
    line, *headers = head.decode().split("\r\n")
    assert line == "POST /hook?a=%2F&b=c+d HTTP/1.1"
    assert sorted(headers) == sorted(
        [
            f"Host: 127.0.0.1:{listener.port}",
            "Accept: */*",
            "Accept-Encoding: identity",
            "User-Agent: Guilder/0.1.0 (webhooks)",
            "Content-Type: application/json; charset=utf-8",
            "Stripe-Signature: t=1,v1=00",
            f"Content-Length: {len(BODY)}",
        ]
    )
    assert body == BODY


@pytest.mark.parametrize(
    ("status", "success", "gone"),
    [
        ("200 OK", True, False),
        ("202 Accepted", True, False),
        ("204 No Content", True, False),
        ("301 Moved Permanently", False, False),
        ("404 Not Found", False, False),
        ("410 Gone", False, True),
        ("500 Internal Server Error", False, False),
        ("101 Switching Protocols", False, False),
    ],
)
async def test_the_status_decides(status: str, success: bool, gone: bool) -> None:
    reply = await reply_of(
        f"HTTP/1.1 {status}\r\n\r\n".encode() if "204" in status else answer(status)
    )
    assert reply.status == int(status[:3])
    assert (reply.success, reply.gone) == (success, gone)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    async with listening() as other, sending() as sender:
        reply = answer(f"{status} Elsewhere", b"", f"Location: {other.url}")
        async with listening(reply=reply) as listener:
            replied = await post(sender, listener.url)
    assert replied.status == status
    assert not replied.success
    assert other.accepted == 0


async def test_no_cookie_comes_back() -> None:
    reply = answer("200 OK", b"", "Set-Cookie: a=b")
    async with sending() as sender, listening(reply=reply) as listener:
        await post(sender, listener.url)
        await post(sender, listener.url)
    assert len(listener.requests) == 2
    assert not any(b"cookie" in request.lower() for request in listener.requests)


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening() as proxy, listening() as listener:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        async with sending() as sender:
            assert (await post(sender, listener.url)).success
    assert proxy.accepted == 0


async def test_a_listener_that_hangs_times_out() -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    reply = await reply_to(hang, timeout_s=0.3)
    assert (reply.status, reply.trouble) == (None, "timeout")
    assert 250 <= reply.latency_ms < 2000


async def test_headers_that_drip_time_out_in_total() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.02)

    reply = await reply_to(drip, timeout_s=0.4)
    assert (reply.status, reply.trouble) == (None, "timeout")
    assert reply.latency_ms < 2000


async def test_a_body_that_drips_is_not_waited_for() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.02)

    began = monotonic()
    reply = await reply_to(drip, body_s=0.2)
    assert reply.success
    assert reply.latency_ms < 200
    assert 1 <= len(reply.excerpt) < 50
    assert monotonic() - began < 1


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


FLOODS = {
    "a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n", b"x" * 65536),
    "chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"1\r\nx\r\n" * 8000,
    ),
    "one chunk": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40000000\r\n",
        b"x" * 65536,
    ),
    "a header": (b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65536),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X: yyyyyyyyyyyyy\r\n" * 4000),
    "trailers": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        b"X: yyyyyyyyyyyyy\r\n" * 4000,
    ),
    "a status line": (b"HTTP/1.1 200 ", b"x" * 65536),
    "promises": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2600),
    "answers": (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" * 1700),
    "what no one asked for": (b"", b"\x00\xff" * 32768),
    "another protocol": (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", b"x" * 65536),
}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("flood", FLOODS)
async def test_a_flood_takes_neither_memory_nor_time(flood: str) -> None:
    start, rest = FLOODS[flood]
    sent = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await read_request(reader)
        writer.write(start)
        for _ in range(16_384):
            writer.write(rest)
            await writer.drain()
            sent += len(rest)

    async with sending(timeout_s=1, body_s=0.3) as sender, listening(pour) as listener:
        await post(sender, listener.url)
        gc.collect()
        before, began = resident_bytes(), monotonic()
        replies = [await post(sender, listener.url) for _ in range(3)]
        replies += await asyncio.gather(*(post(sender, listener.url) for _ in range(10)))
        # Nothing goes on behind the scenes on the connections that were given up or kept.
        await asyncio.sleep(0.05)
        already = sent
        await asyncio.sleep(0.05)
        assert sent == already
        assert resident_bytes() - before < 16 * 1024 * 1024
        assert monotonic() - began < 3
    assert all(len(reply.excerpt) <= LONGEST_EXCERPT for reply in replies)
    if flood in {"a body", "chunks", "one chunk"}:
        assert all(reply.success for reply in replies)
    if flood in {"a header", "headers", "a status line", "promises", "what no one asked for"}:
        assert {reply.trouble for reply in replies} == {"not_http"}


async def test_a_listener_that_does_not_read_holds_nothing_up() -> None:
    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(60)

    async with sending(timeout_s=0.3) as sender, listening(ignore) as listener:
        reply = await sender.post(listener.url, HEADERS, b"x" * 50_000_000, loopback=True)
        assert reply.trouble == "timeout"
        assert reply.latency_ms < 2000


async def test_an_answer_before_the_whole_request_counts() -> None:
    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer("413 Content Too Large", b"too much"))
        await asyncio.sleep(60)

    async with sending(timeout_s=2) as sender, listening(hasty) as listener:
        reply = await sender.post(listener.url, HEADERS, b"x" * 10_000_000, loopback=True)
    assert (reply.status, reply.excerpt) == (413, "too much")


async def test_nobody_at_the_port_is_said() -> None:
    async with listening() as listener:
        pass
    async with sending() as sender:
        reply = await post(sender, listener.url)
    assert (reply.status, reply.trouble) == (None, "connection_refused")


async def test_a_name_that_is_not_found_is_said() -> None:
    async with sending(resolver=Names({})) as sender:
        reply = await post(sender, "http://shop.example.com/")
        assert reply.trouble == "name_not_found"
        assert await sender.vet("http://shop.example.com/", loopback=True) is None


async def test_the_system_does_not_find_a_name_that_cannot_be() -> None:
    async with sending() as sender:
        reply = await post(sender, "http://shop.invalid/")
        too_long = await post(sender, f"http://{'a' * 64}.invalid/")
    assert reply.trouble == "name_not_found"
    assert too_long.trouble == "name_not_found"


async def test_a_name_of_this_machine_is_found_by_the_system() -> None:
    async with sending() as sender, listening() as listener:
        url = f"http://localhost:{listener.port}/hook"
        replies = await asyncio.gather(*(post(sender, url) for _ in range(5)))
        assert await sender.vet(url, loopback=True) is None
        assert await sender.vet(url.replace("http", "https"), loopback=False) == "forbidden_address"
    assert all(reply.success for reply in replies)


async def test_vetting_waits_no_longer_than_it_may() -> None:
    class Slow(Names):
        async def resolve(self, host: str, port: int) -> Any:
            await asyncio.sleep(60)

    async with sending(resolver=Slow({}), vet_s=0.1, timeout_s=0.2) as sender:
        assert await sender.vet("https://shop.example.com/", loopback=False) is None
        reply = await sender.post("https://shop.example.com/", HEADERS, BODY, loopback=False)
    assert reply.trouble == "timeout"


GARBAGE = [
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"\x15\x03\x01\x00\x02\x02\x46",
    b"HTTP/1.1 abc\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
]


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_what_is_not_http_is_said(garbage: bytes) -> None:
    reply = await reply_of(garbage)
    assert (reply.status, reply.trouble) == (None, "not_http")


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 20"])
async def test_hanging_up_without_an_answer_is_said(before: bytes) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(before)
        await writer.drain()

    reply = await reply_to(hang_up)
    assert (reply.status, reply.trouble) == (None, "disconnected")


async def test_a_reset_is_said() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)  # What is left unread makes a reset of the close.

    async with sending() as sender, listening(reset) as listener:
        reply = await sender.post(listener.url, HEADERS, b"x" * 100_000, loopback=True)
    assert (reply.status, reply.trouble) == (None, "disconnected")


async def test_a_body_that_breaks_off_leaves_the_status() -> None:
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()

    reply = await reply_to(break_off)
    assert reply.success
    assert reply.excerpt in {"", "half"}


async def test_a_body_without_a_length_ends_with_the_connection() -> None:
    async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nold but fine")
        await writer.drain()

    reply = await reply_to(old)
    assert (reply.status, reply.excerpt) == (200, "old but fine")


@pytest.mark.parametrize(
    ("body", "excerpt"),
    [
        (b"a\x00b\x1b[31m\x7f\x9f", "a\ufffdb\ufffd[31m\ufffd\ufffd"),
        (b"tab\there\r\nand there", "tab\there\r\nand there"),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
        ("right\u202eleft\u2028".encode(), "right\ufffdleft\ufffd"),
        ("ü€😀".encode() * 500, ("ü€😀" * 500)[:LONGEST_EXCERPT]),
        ("😀".encode() * 1001, "😀" * LONGEST_EXCERPT),
        (b"x" * 65536, "x" * LONGEST_EXCERPT),
    ],
)
async def test_the_excerpt_is_fit_to_be_stored(body: bytes, excerpt: str) -> None:
    assert (await reply_of(answer(body=body))).excerpt == excerpt


async def test_a_packed_body_is_not_shown() -> None:
    reply = await reply_of(answer("200 OK", b"\x1f\x8b\x00", "Content-Encoding: gzip"))
    assert (reply.status, reply.excerpt) == (200, "")


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


async def test_being_cancelled_is_passed_on_and_leaves_nothing() -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        started.set()
        while await reader.read(1000):
            pass
        gone.set()

    started, gone = asyncio.Event(), asyncio.Event()
    async with sending() as sender, listening(hang) as listener:
        task = asyncio.create_task(post(sender, listener.url))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(gone.wait(), 1)


async def test_whatever_breaks_is_a_reply() -> None:
    async with sending() as sender, listening() as listener:
        bad = HEADERS | {"X-Broken": "a\r\nb"}
        reply = await sender.post(listener.url, bad, BODY, loopback=True)
    assert reply.trouble == "internal_error"
    reply = await sender.post(listener.url, HEADERS, BODY, loopback=True)
    assert reply.trouble == "internal_error"


# TLS


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
