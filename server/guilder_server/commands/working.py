"""`guilder worker`: carries webhooks out, beside the processes that serve."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from guilder_server.commands import application
from guilder_server.commands.servers import reachable
from guilder_server.commands.serving import refuse_unfit
from guilder_server.settings import Settings


def work(settings: Settings, data_dir: Path | None) -> int:
    """Work until SIGTERM or Ctrl-C, then finish what was begun."""
    with reachable(settings, data_dir, "worker") as found:
        refuse_unfit(found)
        asyncio.run(_work(found))
    return 0


async def _work(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    worker = application.make_worker(settings)
    print("Guilder's worker is ready.", flush=True)
    await worker.run(stop)
