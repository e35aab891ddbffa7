"""What became of one attempt to deliver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# Why no answer came, in one word.
Trouble = Literal[
    "timeout",
    "forbidden_url",
    "name_not_found",
    "forbidden_address",
    "connection_refused",
    "connection_failed",
    "disconnected",
    "tls_failed",
    "not_http",
    "internal_error",
]

LONGEST_EXCERPT = 1000


@dataclass(frozen=True, slots=True)
class Reply:
    """`status` is that of HTTP, None where no answer came; `trouble` then says why. `excerpt` is
    the beginning of the body, at most LONGEST_EXCERPT characters, fit to be shown and stored."""

    latency_ms: int
    status: int | None = None
    trouble: Trouble | None = None
    excerpt: str = ""

    @property
    def success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """The listener says that it will never want anything again."""
        return self.status == 410
