"""Running until Ctrl-C or SIGTERM, which are the ordinary end of a command that follows."""

from __future__ import annotations

import asyncio
import os
import select
import signal
from collections.abc import Callable, Coroutine
from typing import Any

_STANDARD_OUTPUT = 1
_EVERY_S = 0.5


def run_until_stopped(work: Callable[[], Coroutine[Any, Any, None]]) -> int:
    """0 when it was stopped, or when whoever read its lines has gone."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        asyncio.run(_stoppable(work))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0
    except BrokenPipeError:
        # The interpreter flushes standard output once more at its end, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), _STANDARD_OUTPUT)
        return 0
    return 0


async def _stoppable(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        async with asyncio.TaskGroup() as both:
            watching = both.create_task(_until_nobody_reads())
            await work()
            watching.cancel()
    except BaseExceptionGroup as group:
        raise _first(group) from None


async def _until_nobody_reads() -> None:
    """A write would tell, but it may be long until there is something to write."""
    reader = select.poll()
    reader.register(_STANDARD_OUTPUT, 0)
    while not any(happened & select.POLLERR for _, happened in reader.poll(0)):  # noqa: ASYNC110
        await asyncio.sleep(_EVERY_S)
    raise BrokenPipeError


def _first(error: BaseException) -> BaseException:
    """Of several tasks one has failed, and the others were ended because of it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
