"""Running until Ctrl-C or SIGTERM, which are the ordinary end of a command that follows."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any


def run_until_stopped(work: Callable[[], Coroutine[Any, Any, None]]) -> int:
    """0 when it was stopped, or when whoever read its lines has gone."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        asyncio.run(_stoppable(work))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0
    except BrokenPipeError:
        # The interpreter flushes standard output once more at its end, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0


async def _stoppable(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await work()
    except BaseExceptionGroup as group:
        # Of several tasks, one has failed and the others were ended.
        raise group.exceptions[0] from None
