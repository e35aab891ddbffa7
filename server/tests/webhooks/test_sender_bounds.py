"""A listener that is slow, or never stops, takes little time and little memory."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic

import pytest

from guilder_server.webhooks.domain.replies import LONGEST_EXCERPT
from tests.support.listeners import answer, listening, read_request
from tests.support.senders import HEADERS, post, reply_to, sending


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
    reply = await reply_to(drip, body_s=1)
    assert reply.success
    assert reply.latency_ms < 1000
    assert 1 <= len(reply.excerpt) < 100
    assert monotonic() - began < 4


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


def open_connections_to(port: int) -> int:
    """Sockets of this process whose other end is at `port`."""
    count = 0
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            duplicate = socket.socket(fileno=os.dup(int(descriptor)))
            with duplicate, suppress(OSError):
                count += duplicate.getpeername()[1:2] == (port,)
    return count


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
async def test_a_listener_that_does_not_read_holds_nothing_up() -> None:
    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(60)

    async with sending(timeout_s=0.3) as sender, listening(ignore) as listener:
        reply = await sender.post(listener.url, HEADERS, b"x" * 50_000_000, loopback=True)
        assert reply.trouble == "timeout"
        assert reply.latency_ms < 2000
        # Its end of the connection is open still, ours is not.
        await asyncio.sleep(0.05)
        assert open_connections_to(listener.port) == 0


async def test_an_answer_before_the_whole_request_counts() -> None:
    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer("413 Content Too Large", b"too much"))
        await asyncio.sleep(60)

    async with sending(timeout_s=2) as sender, listening(hasty) as listener:
        reply = await sender.post(listener.url, HEADERS, b"x" * 10_000_000, loopback=True)
    assert (reply.status, reply.excerpt) == (413, "too much")
