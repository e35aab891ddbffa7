"""What a caller is allowed: by plan, by class of operation, alone and together with the account's
other keys."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import Final, NamedTuple, Protocol

from guilder_server.http.auth import Credential
from guilder_server.http.limits.classes import OperationClass

# What one class gets of a plan's requests a second. A search is worth several of the others.
_SHARES: Final[dict[OperationClass, tuple[int, int]]] = {"search": (1, 5)}
# All keys of an account together: a second one always finds room beside one that floods.
_ACCOUNT_TIMES = 2
# How many seconds' worth may come at once, after a silence as long.
WINDOW_S = 2
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one plan: requests a second for each key and class of operation, and requests of an
    account under way at once. 0 is no limit."""

    per_second: int
    at_once: int


class PlanLimits(Protocol):
    def of(self, credential: Credential) -> Limits:
        """Asked with every request, so it must have its answer ready."""


class Quota(NamedTuple):
    """A bucket's rule, in microseconds: each request fills it by `interval`, time empties it, and
    it holds `depth`."""

    interval: int
    depth: int

    @property
    def burst(self) -> int:
        return self.depth // self.interval


@lru_cache(maxsize=4096)
def quotas(
    limits: Limits, operation_class: OperationClass, processes: int = 1
) -> tuple[Quota, Quota]:
    """Those of a key and of its account, as one of `processes` keeps them by itself."""
    part, of = _SHARES.get(operation_class, (1, 1))
    own = _quota(limits.per_second * part, of * processes)
    return own, _quota(limits.per_second * part * _ACCOUNT_TIMES, of * processes)


def _quota(per_second: int, divided_by: int) -> Quota:
    interval = max(1, ceil(_SECOND * divided_by / per_second))
    return Quota(interval, interval * max(1, per_second * WINDOW_S // divided_by))
