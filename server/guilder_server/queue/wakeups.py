"""Wake-ups through Redis: a commit rings, and a worker looks at once for what is due.

A wake-up carries nothing. What is to be done are rows in PostgreSQL, and a worker looks for them
on a timer as well; Redis may lose a wake-up, be emptied, be away for a while or not be there at
all, and the work is done a second later. This is the only module that knows arq.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import structlog

from guilder_server.kernel.traces import said

log = structlog.get_logger(__name__)

_JOB = "wake"
# However many commits ring, a worker is woken no oftener than this.
_EVERY_S = 0.02
# A worker asks Redis as often as this, so a wake-up takes half of it on average.
_POLL_S = 0.03
# Ringing must not take longer; whoever rings does not wait for it.
_PATIENCE_S = 1.0
# After a failure nobody rings for this long.
_PAUSE_S = 2.0
_QUEUE = "guilder:wakeups"
_PREFIXES = ("arq:job:", "arq:in-progress:", "arq:result:", "arq:retry:")


class Bell:
    """What commits ring. It never waits, and never fails."""

    def __init__(self, redis_url: str | None) -> None:
        self._url = redis_url
        self._redis: Any = None
        self._task: asyncio.Task[None] | None = None
        self._again = False

    def ring(self) -> None:
        if self._url is None:
            return
        self._again = True
        if self._task is None:
            self._task = asyncio.create_task(self._ringing())

    async def close(self) -> None:
        self._again = False
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._redis is not None:
            await self._redis.aclose()

    async def _ringing(self) -> None:
        try:
            while self._again:
                self._again = False
                try:
                    async with asyncio.timeout(_PATIENCE_S):
                        heard = await self._send()
                except Exception as error:  # noqa: BLE001 - the worker's timer does without
                    log.info("wake_up_not_sent", error=said(error) or type(error).__name__)
                    await asyncio.sleep(_PAUSE_S)
                else:
                    # A wake-up waits there already. It may be about to be taken by a worker that
                    # has looked before our commit, so we ring once more.
                    await asyncio.sleep(_EVERY_S if heard else 5 * _EVERY_S)
                    if not heard:
                        with suppress(Exception):
                            async with asyncio.timeout(_PATIENCE_S):
                                await self._send()
        finally:
            self._task = None

    async def _send(self) -> bool:
        """False if a wake-up waits there already."""
        if self._redis is None:
            self._redis = await _connected(self._url)
        # Under one name, so that they do not pile up while no worker is there to take them.
        return await self._redis.enqueue_job(_JOB, _job_id=_JOB, _queue_name=_QUEUE) is not None


async def hear(redis_url: str, wake: Callable[[], None]) -> None:
    """Calls `wake` for each wake-up, until it is cancelled. Redis may go away and come back."""
    from arq.worker import Worker, func

    # arq tells of each job it runs, and each of ours says nothing but "look".
    logging.getLogger("arq").setLevel(logging.ERROR)

    async def woken(_context: dict[Any, Any], *_: Any) -> None:
        wake()

    away = False
    while True:
        worker = None
        try:
            redis = await _connected(redis_url)
            # A worker that was killed may have left one half done, which nobody could ring over
            # for a while. What it was rung for is looked for below.
            await redis.delete(*(f"{prefix}{_JOB}" for prefix in _PREFIXES))
            worker = Worker(
                functions=[func(woken, name=_JOB)],  # type: ignore[arg-type]
                redis_pool=redis,
                queue_name=_QUEUE,
                handle_signals=False,
                poll_delay=_POLL_S,
                job_timeout=1,
                keep_result=0,
                max_tries=1,
                job_serializer=msgspec.json.encode,
                job_deserializer=msgspec.json.decode,
            )
            if away:
                log.info("wake_ups_heard_again")
                away = False
            # What was rung while nobody listened.
            wake()
            await worker.async_run()
        except Exception as error:  # noqa: BLE001 - without it the timer goes on
            if not away:
                log.warning("wake_ups_not_heard", error=said(error) or type(error).__name__)
                away = True
        finally:
            if worker is not None:
                with suppress(Exception):
                    await worker.close()
        await asyncio.sleep(_PAUSE_S)


async def _connected(url: str | None) -> Any:
    from arq.connections import RedisSettings, create_pool

    assert url is not None
    settings = RedisSettings.from_dsn(url)
    settings.conn_timeout, settings.conn_retries = 1, 0
    return await create_pool(settings, job_serializer=msgspec.json.encode)
