"""A line to PostgreSQL that can be cut at the worst moment: around a COMMIT."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, quote, urlsplit

_SOCKET = ".s.PGSQL.5432"


class Line:
    """While `cut` says so, a COMMIT does not arrive, or its answer does not; both ends then
    find the connection closed."""

    def __init__(self, url: str, folder: Path) -> None:
        parts = urlsplit(url)
        self._target = str(Path(parse_qs(parts.query)["host"][0]) / _SOCKET)
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path}?host={quote(str(folder), safe='')}"
        self.cut: Literal["before", "after"] | None = None
        self.cuts = 0

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        their_reader, their_writer = await asyncio.open_unix_connection(self._target)
        ways = [
            asyncio.create_task(self._carry(reader, their_writer, "before", b"COMMIT")),
            asyncio.create_task(self._carry(their_reader, writer, "after", b"COMMIT\0")),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for end in (writer, their_writer):
            end.close()
        for way in ways:
            way.cancel()

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        place: Literal["before", "after"],
        word: bytes,
    ) -> None:
        while data := await reader.read(1 << 16):
            if self.cut == place and word in data:
                self.cuts += 1
                return
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[Line]:
    with tempfile.TemporaryDirectory(prefix="guilder-line-") as folder:
        line = Line(url, Path(folder))
        server = await asyncio.start_unix_server(line.connect, Path(folder) / _SOCKET)
        async with server:
            yield line
