"""Requests on their way into the log, off the way of those who wait for answers.

They gather in memory and are written by a task of their own, some hundred at a time. It takes no
more than its share of the process: what comes faster than it can be written is dropped, and
counted.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog

from guilder_server.http.seen import Seen
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.secret_texts import redacted_text
from guilder_server.request_logs.domain.entry import RequestLog
from guilder_server.request_logs.domain.redaction import Allowed, redacted
from guilder_server.request_logs.ports import Writer

log = structlog.get_logger(__name__)

MOST_WAITING = 2000
HEAVIEST = 8 << 20
# An answer that is larger is not read only to keep the beginning of it.
_LARGEST_READ = 64 << 10
_LONGEST_TEXT = 500
_BATCH, _AT_A_TIME = 200, 10
# Before a batch, so that it is worth writing.
_GATHER_S = 0.25
# Of a process's time: it rests so many times as long as it worked.
_REST = 24
_CLOSING_S = 5.0
# Of those that are refused for being too many.
_REFUSALS_A_SECOND = 20
_TOLD_EVERY_S = 10.0

_nothing: Mapping[str, Allowed] = {}


class Recorder:
    """`sample` is the percentage that is kept of the requests that succeed; `allowed` has the
    parameters that may be kept, by operation."""

    def __init__(
        self,
        writer: Writer,
        clock: Clock,
        pack: Callable[[bytes], bytes],
        allowed: Mapping[str, Allowed],
        sample: int,
        *,
        most: int = MOST_WAITING,
        heaviest: int = HEAVIEST,
    ) -> None:
        self._writer, self._clock, self._pack = writer, clock, pack
        self._allowed, self._sample = allowed, sample / 100
        self._most, self._heaviest = most, heaviest
        self._waiting: deque[tuple[datetime, Seen]] = deque()
        self._weight = 0
        self._some = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._told = 0.0
        self._second, self._refusals = 0.0, 0
        self.dropped = 0

    def record(self, seen: Seen) -> None:
        if seen.status < 400 and self._sample < 1 and random.random() >= self._sample:  # noqa: S311
            return
        if seen.status == 429 and not self._few_refusals(seen.ended):
            return
        weight = _weight(seen)
        # Half of the room is for those that went wrong.
        most = self._most if seen.status >= 400 else self._most // 2
        if len(self._waiting) >= most or self._weight + weight > self._heaviest:
            self.dropped += 1
            return
        self._weight += weight
        self._waiting.append((self._clock.now(), seen))
        self._some.set()

    def _few_refusals(self, now: float) -> bool:
        """A flood is told by its first refusals of each second."""
        if now - self._second >= 1:
            self._second, self._refusals = now, 0
        self._refusals += 1
        return self._refusals <= _REFUSALS_A_SECOND

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Writes what is there, for a few seconds at most."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING_S):
                while self._waiting:
                    await self._write()
        self._tell(0)
        await self._writer.close()

    async def _run(self) -> None:
        while True:
            await self._some.wait()
            await asyncio.sleep(_GATHER_S)
            self._some.clear()
            while self._waiting:
                worked = await self._write()
                self._tell(_TOLD_EVERY_S)
                await asyncio.sleep(_REST * worked)

    async def _write(self) -> float:
        """A batch; the seconds that it took of this process."""
        worked = 0.0
        entries: list[tuple[int, RequestLog]] = []
        while self._waiting and len(entries) < _BATCH:
            began = time.perf_counter()
            for _ in range(min(_AT_A_TIME, len(self._waiting))):
                ended, seen = self._waiting.popleft()
                self._weight -= _weight(seen)
                try:
                    entries.append(self._entry(ended, seen))
                except Exception as error:  # noqa: BLE001 - one that cannot be kept is one
                    self.dropped += 1
                    log.warning("request_not_logged", error=type(error).__name__)
            worked += time.perf_counter() - began
            await asyncio.sleep(0)
        try:
            await self._writer.write(entries)
        except Exception as error:  # noqa: BLE001 - the log is lost, the requests are not
            self.dropped += len(entries)
            log.warning("request_log_not_written", error=type(error).__name__)
            worked = max(worked, 0.1)
        return worked

    def _entry(self, ended: datetime, seen: Seen) -> tuple[int, RequestLog]:
        assert seen.credential is not None
        assert seen.operation is not None
        taken_s = seen.ended - seen.began
        content, error_code = self._content(seen)
        entry = RequestLog(
            seen.id,
            ended - timedelta(seconds=taken_s),
            seen.method,
            _short(seen.path) or "",
            seen.operation.id,
            seen.status,
            round(taken_s * 1000),
            seen.credential.actor_kind,
            seen.credential.id,
            seen.address,
            _short(seen.idempotency_key),
            _short(seen.version),
            error_code,
            self._pack(content),
        )
        return seen.credential.tenant.id, entry

    def _content(self, seen: Seen) -> tuple[bytes, str | None]:
        assert seen.operation is not None
        params = response = None
        truncated = cut = False
        if seen.params is not None:
            allowed = self._allowed.get(seen.operation.id, _nothing)
            params, truncated = redacted(seen.params, allowed)
        refused = seen.status >= 400
        error_code = None
        # What was only read is there to be read again. What was refused holds no secret.
        if seen.answer is not None and (refused or seen.method != "GET"):
            cut = len(seen.answer) > _LARGEST_READ or (seen.operation.confidential and not refused)
            if not cut:
                told: dict[str, Any] = msgspec.json.decode(seen.answer)
                response, cut = redacted(told)
                error_code = told["error"].get("code") if refused else None
        content = {"parameters": params, "response": response, "truncated": truncated or cut}
        return msgspec.json.encode(content), error_code

    def _tell(self, every_s: float) -> None:
        if self.dropped and time.monotonic() - self._told >= every_s:
            log.warning("request_log_dropped", requests=self.dropped)
            self._told, self.dropped = time.monotonic(), 0


def _weight(seen: Seen) -> int:
    return seen.size + (len(seen.answer) if seen.answer is not None else 0)


def _short(text: str | None) -> str | None:
    """Without NUL, which PostgreSQL keeps in no text."""
    return None if text is None else redacted_text(text).replace("\0", "")[:_LONGEST_TEXT]
