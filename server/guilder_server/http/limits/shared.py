"""Buckets that all processes share, in Redis.

While one call is under way the wishes of other requests gather, and the next call takes them all.
A call has 20 ms. If it fails or takes longer, nobody asks Redis any more and every process keeps
its own buckets, until a look in the background finds it well again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

import redis.asyncio as redis
import structlog
from redis.exceptions import NoScriptError

from guilder_server.http.limits.gcra import Verdict, Wish, monotonic_us

log = structlog.get_logger(__name__)

T = TypeVar("T")

BUDGET_S = 0.02
_MOST_AT_ONCE = 256
_MOST_REFUSED = 10_000
# After a failure Redis is looked for this soon, then half as often each time.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 2.0
_CONNECTING_S = 1.0
# An event loop that is late itself has an answer waiting: it is looked at before Redis is blamed.
_LOOKS = 6

# Each wish has two keys and four numbers; its answer is three, as in Verdict. An instant that lies
# further ahead than a full bucket was written by another clock, or by this one before it was put
# back: it is written anew, or nobody would be let through until the clock is there. Numbers of 16
# digits must not go through tostring, which keeps 14.
_SCRIPT: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local empty_at, told = {}, {}
if #KEYS > 0 then
  local kept = redis.call('MGET', unpack(KEYS))
  for i, key in ipairs(KEYS) do empty_at[key] = tonumber(kept[i] or '') or 0 end
end
local changed = {}
local function filled(key, interval, depth)
  if empty_at[key] - now > depth then
    empty_at[key], changed[key] = now + depth, true
  end
  return math.max(0, empty_at[key] - now) + interval
end
for i = 1, #KEYS / 2 do
  local key, account = KEYS[2 * i - 1], KEYS[2 * i]
  local interval, depth = tonumber(ARGV[4 * i - 3]), tonumber(ARGV[4 * i - 2])
  local account_interval, account_depth = tonumber(ARGV[4 * i - 1]), tonumber(ARGV[4 * i])
  local first = filled(key, interval, depth)
  local second = filled(account, account_interval, account_depth)
  local refused_by, wait, left = 0, 0, 0
  if first > depth then
    refused_by, wait = 1, first - depth
  elseif second > account_depth then
    refused_by, wait = 2, second - account_depth
  else
    empty_at[key], empty_at[account] = now + first, now + second
    changed[key], changed[account] = true, true
    left = math.floor(math.min((depth - first) / interval,
      (account_depth - second) / account_interval))
  end
  told[i] = string.format('%d %.0f %.0f', refused_by, wait, left)
end
for key in pairs(changed) do
  redis.call('SET', key, string.format('%.0f', empty_at[key]),
    'PX', math.max(1, math.ceil((empty_at[key] - now) / 1000)))
end
return table.concat(told, ' ')
"""


class SharedBuckets:
    def __init__(self, url: str, now: Callable[[], int] = monotonic_us) -> None:
        self._url, self._now = url, now
        self._redis: redis.Redis | None = None
        self._script = ""
        self._wishes: list[tuple[Wish, asyncio.Future[Verdict | None]]] = []
        self._running: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        # Buckets that are full, until when: a flood is refused without asking again.
        self._refused: dict[str, int] = {}

    def open(self) -> None:
        """Until Redis is reached, every process keeps its own buckets."""
        self._looking = asyncio.create_task(self._look(0))

    async def close(self) -> None:
        for task in (self._looking, self._running):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        await self._drop()

    async def judge(self, wish: Wish) -> Verdict | None:
        """None while Redis cannot be asked."""
        if self._redis is None:
            return None
        if (known := self._known(wish)) is not None:
            return known
        future: asyncio.Future[Verdict | None] = asyncio.get_running_loop().create_future()
        self._wishes.append((wish, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        verdict = await future
        if verdict is not None and verdict.refused_by:
            self._remember(wish, verdict)
        return verdict

    def _known(self, wish: Wish) -> Verdict | None:
        if not self._refused:
            return None
        now = self._now()
        for number, key in ((1, wish.key), (2, wish.account)):
            until = self._refused.get(key)
            if until is None:
                continue
            if until > now:
                return Verdict(number, until - now, 0)
            del self._refused[key]
        return None

    def _remember(self, wish: Wish, verdict: Verdict) -> None:
        if len(self._refused) >= _MOST_REFUSED:
            del self._refused[next(iter(self._refused))]
        key = wish.key if verdict.refused_by == 1 else wish.account
        self._refused[key] = self._now() + verdict.wait

    async def _run(self) -> None:
        batch: list[tuple[Wish, asyncio.Future[Verdict | None]]] = []
        try:
            while self._wishes and self._redis is not None:
                batch, self._wishes = (
                    self._wishes[:_MOST_AT_ONCE],
                    self._wishes[_MOST_AT_ONCE:],
                )
                verdicts = await within(BUDGET_S, self._ask(self._redis, [one for one, _ in batch]))
                for (_, future), verdict in zip(batch, verdicts, strict=True):
                    if not future.done():
                        future.set_result(verdict)
        except Exception as error:  # noqa: BLE001 - whatever it is, the limits are kept without it
            log.warning("limits_not_shared", error=type(error).__name__)
            lost, self._redis = self._redis, None
            self._looking = asyncio.create_task(self._look(_FIRST_PAUSE_S, lost))
        finally:
            self._running = None
            waiting, self._wishes = [*batch, *self._wishes], []
            for _, future in waiting:
                if not future.done():
                    future.set_result(None)

    async def _ask(self, client: redis.Redis, wishes: Sequence[Wish]) -> list[Verdict]:
        keys = [key for wish in wishes for key in (wish.key, wish.account)]
        numbers = [number for wish in wishes for number in (*wish.quota, *wish.account_quota)]
        told = [int(word) for word in (await self._evaluate(client, keys, numbers)).split()]
        return [Verdict(*told[at : at + 3]) for at in range(0, 3 * len(wishes), 3)]

    async def _evaluate(
        self, client: redis.Redis, keys: Sequence[str], numbers: Sequence[int]
    ) -> bytes:
        try:
            answer = await client.evalsha(self._script, len(keys), *keys, *numbers)  # type: ignore[misc, arg-type]
        except NoScriptError:
            answer = await client.eval(_SCRIPT, len(keys), *keys, *numbers)  # type: ignore[misc, arg-type]
        return bytes(answer)

    async def _look(self, pause: float, lost: redis.Redis | None = None) -> None:
        """Until Redis answers, and within its budget. The connection that was lost may take its
        time to end, which nobody waits for who wants to be let in."""
        if lost is not None:
            await _closed(lost)
        # That it is there at the start is nothing to tell.
        tell = log.info if pause else log.debug
        while True:
            await asyncio.sleep(pause)
            client = redis.Redis.from_url(
                self._url, single_connection_client=True, socket_connect_timeout=_CONNECTING_S
            )
            try:
                async with asyncio.timeout(_CONNECTING_S):
                    self._script = str(await client.script_load(_SCRIPT))
                await within(BUDGET_S, self._evaluate(client, (), ()))
            except Exception as error:  # noqa: BLE001 - it is looked for again
                if pause == 0:
                    log.warning("limits_not_shared", error=type(error).__name__)
                    tell = log.info
                await _closed(client)
                pause = min(_LONGEST_PAUSE_S, max(_FIRST_PAUSE_S, 2 * pause))
            else:
                tell("limits_shared")
                self._redis = client
                return

    async def _drop(self) -> None:
        client, self._redis = self._redis, None
        if client is not None:
            await _closed(client)


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives. Raises TimeoutError if it takes longer, not counting what this process
    itself is late by."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
        for _ in range(_LOOKS):
            if task.done():
                break
            await asyncio.sleep(0)
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})


async def _closed(client: redis.Redis) -> None:
    with suppress(Exception):
        async with asyncio.timeout(_CONNECTING_S):
            await client.aclose()
