"""What a caller is answered."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body of JSON, with the headers that only this answer has."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer of 200 that is sent while it is read, for what is too long to be held.

    What goes wrong before the first of its `chunks` is answered as any other error; what goes
    wrong after it breaks the answer off. However it ends, the chunks are closed, so that they may
    hold a connection. With a `filename`, of printable ASCII, it is a file to be kept.
    """

    media_type: str
    chunks: AsyncGenerator[bytes, None]
    filename: str | None = None
    first: bytes = b""

    async def begun(self) -> Streamed:
        """The same, with its first chunk read."""
        return replace(self, first=await anext(self.chunks, b""))

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        found = [(b"content-type", self.media_type.encode())]
        if self.filename is not None:
            kept = f'attachment; filename="{self.filename}"'
            found.append((b"content-disposition", kept.encode()))
        return found
