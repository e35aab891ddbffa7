"""Whether a request is let in, and what its answer says about the allowance that it uses."""

from __future__ import annotations

import asyncio
import random
from functools import lru_cache
from math import ceil

from guilder_server.http.auth import Credential
from guilder_server.http.errors import Throttled
from guilder_server.http.limits.classes import OperationClass
from guilder_server.http.limits.crowd import Crowd
from guilder_server.http.limits.gcra import LocalBuckets, Verdict, Wish, monotonic_us
from guilder_server.http.limits.plans import Limits, PlanLimits, Quota, quotas
from guilder_server.http.limits.shared import SharedBuckets
from guilder_server.http.operation import Operation

Header = tuple[bytes, bytes]

_PREFIX = "guilder:limit:"
# Who goes on asking after a refusal is answered late: whoever waits for answers then floods less,
# and the others have the server.
_PAUSE_S = 0.25
_REPEATED_US = 1_000_000
_MOST_HELD, _MOST_REFUSED = 1_000, 10_000


class Admission:
    """`shared` is None without Redis: then each of `processes` keeps its part of every limit."""

    def __init__(
        self,
        plans: PlanLimits,
        crowd: Crowd,
        processes: int,
        shared: SharedBuckets | None = None,
        local: LocalBuckets | None = None,
    ) -> None:
        self._plans, self._crowd, self._processes = plans, crowd, processes
        self._shared, self._local = shared, local or LocalBuckets()
        self._refused: dict[str, int] = {}
        self._held = 0

    def open(self) -> None:
        self._crowd.pulse.start()
        if self._shared is not None:
            self._shared.open()

    async def close(self) -> None:
        self._crowd.pulse.stop()
        if self._shared is not None:
            await self._shared.close()

    async def enter(self, credential: Credential, operation: Operation) -> tuple[Header, ...]:
        """Headers for the answer. Raises Throttled; whoever was let in must `leave`."""
        limits = self._plans.of(credential)
        kind = operation.kind
        self._crowd.enter(credential.tenant.id, limits.at_once, kind)
        try:
            return await self._counted(credential, limits, kind) if limits.per_second else ()
        except Throttled:
            self.leave(credential)
            await self._hold(credential.id)
            raise
        except BaseException:
            self.leave(credential)
            raise

    def leave(self, credential: Credential) -> None:
        self._crowd.leave(credential.tenant.id)

    async def _hold(self, caller: str) -> None:
        now = monotonic_us()
        before = self._refused.pop(caller, None)
        if len(self._refused) >= _MOST_REFUSED:
            del self._refused[next(iter(self._refused))]
        self._refused[caller] = now
        if before is None or now - before > _REPEATED_US or self._held >= _MOST_HELD:
            return
        self._held += 1
        try:
            # Not all at the same time, or they would come back together.
            await asyncio.sleep(_PAUSE_S * (1 + random.random()))  # noqa: S311
        finally:
            self._held -= 1

    async def _counted(
        self, credential: Credential, limits: Limits, kind: OperationClass
    ) -> tuple[Header, ...]:
        tenant = credential.tenant
        mode = "live" if tenant.livemode else "test"
        own = f"{_PREFIX}{credential.id}:{mode}:{kind}"
        together = f"{_PREFIX}{tenant.account}:{mode}:{kind}"
        quota, account_quota = quotas(limits, kind)
        verdict = None
        if self._shared is not None:
            verdict = await self._shared.judge(Wish(own, quota, together, account_quota))
        if verdict is None:
            ours = quotas(limits, kind, self._processes)
            verdict = self._local.judge(Wish(own, ours[0], together, ours[1]))
        policy = _policy(kind, quota, account_quota)
        if verdict.refused_by:
            raise _refusal(kind, verdict, (quota, account_quota), policy)
        return policy, (b"ratelimit", b'"%b";r=%d' % (kind.encode(), verdict.remaining))


@lru_cache(maxsize=1024)
def _policy(kind: OperationClass, quota: Quota, account_quota: Quota) -> Header:
    parts = [
        f'"{name}";q={each.burst};w={ceil(each.depth / 1_000_000)}'
        for name, each in ((kind, quota), (f"account-{kind}", account_quota))
    ]
    return b"ratelimit-policy", ", ".join(parts).encode()


def _refusal(
    kind: OperationClass, verdict: Verdict, both: tuple[Quota, Quota], policy: Header
) -> Throttled:
    of_account = verdict.refused_by == 2
    quota = both[of_account]
    whose = "All keys of this account together send" if of_account else "This key sends"
    per_second = f"{1_000_000 / quota.interval:g}"
    wait_s = verdict.wait / 1_000_000
    name = f"account-{kind}" if of_account else kind
    told = f'"{name}";r=0;t={max(1, ceil(wait_s))}'
    return Throttled(
        f"{whose} requests too quickly: {per_second} a second of the class '{kind}' are allowed. "
        "Nothing was done; try again after the time in Retry-After.",
        "global-rate" if of_account else "endpoint-rate",
        wait_s,
        (policy, (b"ratelimit", told.encode())),
    )
