"""One request is carried to a listener, and its answer told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from guilder_server.webhooks.domain.replies import LONGEST_EXCERPT
from tests.support.listeners import Names, answer, listening, read_request
from tests.support.senders import BODY, HEADERS, post, reply_of, reply_to, sending


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
    names = Names({"shop.example.com": [["127.0.0.1"]]})
    async with sending(resolver=names) as sender, listening(reply=reply) as listener:
        url = listener.url.replace("127.0.0.1", "shop.example.com")
        await post(sender, url)
        await post(sender, url)
    assert len(listener.requests) == 2
    assert not any(b"cookie" in request.lower() for request in listener.requests)


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening() as proxy, listening() as listener:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        async with sending() as sender:
            assert (await post(sender, listener.url)).success
    assert proxy.accepted == 0


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
