"""What a caller is answered."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body of JSON, with the headers that only this answer has."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
