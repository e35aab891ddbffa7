"""Buckets that all processes share, in Redis.

While one call is under way the wishes of other requests gather, and the next call takes them all.
Those that were let in ahead of it (ahead.py) wait for nobody, and gather for up to a second. A call
has 20 ms. If it fails or takes longer, nobody asks Redis any more and every process keeps
its own buckets, until a look in the background finds it well again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final, TypeAlias, TypeVar

import redis.asyncio as redis
import structlog
from redis.exceptions import NoScriptError

from guilder_server.http.limits.ahead import Ahead
from guilder_server.http.limits.gcra import Verdict, Wish, monotonic_us
from guilder_server.http.limits.plans import WINDOW_S, Quota

log = structlog.get_logger(__name__)

T = TypeVar("T")

BUDGET_S = 0.02
_MOST_AT_ONCE = 128
# How long what was let in already may wait to be counted. Half of the time in which a bucket that
# is left alone runs empty: whoever was silent for that long has all of their burst.
_GATHERED_S = WINDOW_S / 2
_MOST_REFUSED = 10_000
# After a failure Redis is looked for this soon, then half as often each time.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 2.0
_CONNECTING_S = 1.0
# An event loop that is late itself has an answer waiting: it is looked at before Redis is blamed.
_LOOKS = 6

# Each wish has two keys and a rule of five numbers; its answer is three, as in Verdict. The fifth
# number is how many were let in already: those are counted even where the bucket is full by now. An
# instant that lies further ahead than two full buckets was written by another clock, or by this one
# before it was put back: it is written anew, or nobody would be let through until the clock is
# there. Numbers of 16 digits must not go through tostring, which keeps 14.
_SCRIPT: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local empty_at, told = {}, {}
if #KEYS > 0 then
  local kept = redis.call('MGET', unpack(KEYS))
  for i, key in ipairs(KEYS) do empty_at[key] = tonumber(kept[i] or '') or 0 end
end
local changed = {}
local function filled(key, more, depth)
  if empty_at[key] - now > 2 * depth then
    empty_at[key], changed[key] = now + depth, true
  end
  return math.max(0, empty_at[key] - now) + more
end
for i = 1, #KEYS / 2 do
  local key, account = KEYS[2 * i - 1], KEYS[2 * i]
  local rule = {}
  for number in string.gmatch(ARGV[i], '%d+') do rule[#rule + 1] = tonumber(number) end
  local interval, depth, account_interval, account_depth, let_in = unpack(rule)
  local is_in, many = let_in > 0, math.max(1, let_in)
  local first = filled(key, many * interval, depth)
  local second = filled(account, many * account_interval, account_depth)
  local refused_by, wait, left = 0, 0, 0
  if first > depth and not is_in then
    refused_by, wait = 1, first - depth
  elseif second > account_depth and not is_in then
    refused_by, wait = 2, second - account_depth
  else
    empty_at[key], empty_at[account] = now + first, now + second
    changed[key], changed[account] = true, true
    left = math.max(0, math.floor(math.min((depth - first) / interval,
      (account_depth - second) / account_interval)))
  end
  told[i] = string.format('%d %.0f %.0f', refused_by, wait, left)
end
for key in pairs(changed) do
  redis.call('SET', key, string.format('%.0f', empty_at[key]),
    'PX', math.max(1, math.ceil((empty_at[key] - now) / 1000)))
end
return table.concat(told, ' ')
"""


_Waiting: TypeAlias = tuple[Wish, asyncio.Future[Verdict | None]]
_LetIn: TypeAlias = tuple[Wish, int]


class SharedBuckets:
    """As one of `processes` that share them."""

    def __init__(self, url: str, processes: int = 1, now: Callable[[], int] = monotonic_us) -> None:
        self._url, self._now = url, now
        self._ahead = Ahead(processes, now)
        self._redis: redis.Redis | None = None
        self._script = ""
        self._wishes: list[_Waiting] = []
        # What was let in and is not counted yet: by account, of each of its keys.
        self._let_in: dict[str, dict[str, _LetIn]] = {}
        self._gathering: asyncio.TimerHandle | None = None
        self._due = False
        self._running: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        # Buckets that are full, until when: a flood is refused without asking again.
        self._refused: dict[str, int] = {}

    def open(self) -> None:
        """Until Redis is reached, every process keeps its own buckets."""
        self._looking = asyncio.create_task(self._look(0))

    async def close(self) -> None:
        if self._gathering is not None:
            self._gathering.cancel()
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
        if (room := self._ahead.take(wish)) is not None:
            self._count_later(wish)
            return Verdict(0, 0, room)
        future: asyncio.Future[Verdict | None] = asyncio.get_running_loop().create_future()
        self._wishes.append((wish, future))
        self._start()
        return await future

    def _count_later(self, wish: Wish) -> None:
        of_account = self._let_in.setdefault(wish.account, {})
        _, many = of_account.get(wish.key, (wish, 0))
        of_account[wish.key] = wish, many + 1
        if self._gathering is None:
            loop = asyncio.get_running_loop()
            self._gathering = loop.call_later(_GATHERED_S, self._count_all)

    def _count_all(self) -> None:
        self._gathering, self._due = None, True
        self._start()

    def _start(self) -> None:
        if self._running is None and self._redis is not None:
            self._running = asyncio.create_task(self._run(self._redis))

    def _uncounted(self) -> list[_LetIn]:
        """What is to be counted now: all of it when it is due, else what concerns those that wait
        for a verdict, so that it is counted before they are judged."""
        if self._due:
            accounts, self._due = [*self._let_in], False
        else:
            accounts = [wish.account for wish, _ in self._wishes]
        return [one for name in accounts for one in self._let_in.pop(name, {}).values()]

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

    async def _run(self, client: redis.Redis) -> None:
        batch: list[_Waiting] = []
        try:
            let_in: list[_LetIn] = []
            while True:
                let_in += self._uncounted()
                if not let_in and not self._wishes:
                    break
                counted, let_in = let_in[:_MOST_AT_ONCE], let_in[_MOST_AT_ONCE:]
                room = _MOST_AT_ONCE - len(counted)
                batch, self._wishes = self._wishes[:room], self._wishes[room:]
                await within(BUDGET_S, self._settle(client, counted, batch))
        except Exception as error:  # noqa: BLE001 - whatever it is, the limits are kept without it
            log.warning("limits_not_shared", error=type(error).__name__)
            self._redis = None
            self._let_in.clear()
            self._ahead.forget()
            self._looking = asyncio.create_task(self._look(_FIRST_PAUSE_S, client))
        finally:
            self._running = None
            waiting, self._wishes = [*batch, *self._wishes], []
            for _, future in waiting:
                if not future.done():
                    future.set_result(None)

    async def _settle(
        self, client: redis.Redis, let_in: Sequence[_LetIn], batch: Sequence[_Waiting]
    ) -> None:
        asked = [*let_in, *((wish, 0) for wish, _ in batch)]
        verdicts = await self._ask(client, asked)
        for (wish, _), verdict in zip(asked, verdicts, strict=True):
            self._ahead.note(wish, verdict)
            if verdict.refused_by:
                self._remember(wish, verdict)
        for (_, future), verdict in zip(batch, verdicts[len(let_in) :], strict=True):
            if not future.done():
                future.set_result(verdict)

    async def _ask(self, client: redis.Redis, asked: Sequence[_LetIn]) -> list[Verdict]:
        keys = [key for wish, _ in asked for key in (wish.key, wish.account)]
        rules = [_rule(wish.quota, wish.account_quota, many) for wish, many in asked]
        told = [int(word) for word in (await self._evaluate(client, keys, rules)).split()]
        return [Verdict(*told[at : at + 3]) for at in range(0, 3 * len(asked), 3)]

    async def _evaluate(
        self, client: redis.Redis, keys: Sequence[str], rules: Sequence[str]
    ) -> bytes:
        try:
            answer = await client.evalsha(self._script, len(keys), *keys, *rules)  # type: ignore[misc]
        except NoScriptError:
            answer = await client.eval(_SCRIPT, len(keys), *keys, *rules)  # type: ignore[misc]
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


@lru_cache(maxsize=1024)
def _rule(quota: Quota, account_quota: Quota, let_in: int) -> str:
    return " ".join(map(str, (*quota, *account_quota, let_in)))


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
