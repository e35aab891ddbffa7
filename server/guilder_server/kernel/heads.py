"""Heads of chains: a number that stands for everything up to a place, and that can be signed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Generic, Protocol, TypeVar

from guilder_server.kernel.clock import Clock, unix
from guilder_server.kernel.ids import Ids

GENESIS = bytes(32)  # the head before the first block

T = TypeVar("T")
Kept_contra = TypeVar("Kept_contra", contravariant=True)


def head(prefix: bytes, before: bytes, position: int, digest: bytes) -> bytes:
    """The head of a chain once the block with this digest stands at `position`."""
    return sha256(prefix + before + position.to_bytes(8, "big") + digest).digest()


@dataclass(frozen=True, slots=True)
class Tip:
    """How far a tenant's chain has come since its last checkpoint; `count` is of what it holds,
    from the first block on."""

    tenant: int
    account: str
    livemode: bool
    position: int
    head: bytes
    count: int


def signed_text(
    title: str, account: str, livemode: bool, position: int, head: bytes, created: datetime
) -> str:
    """What is signed, as UTF-8."""
    return (
        f"guilder {title} checkpoint 1\n"
        f"account {account}\n"
        f"livemode {str(livemode).lower()}\n"
        f"position {position}\n"
        f"head {head.hex()}\n"
        f"created {unix(created)}\n"
    )


@dataclass(frozen=True, slots=True)
class Checkpoints(Generic[T]):
    """The checkpoints of one kind of chain: what they are called where they are signed, how their
    ids begin, and what makes one of id, created, position, head, count, public key, signature."""

    title: str
    prefix: str
    make: Callable[[str, datetime, int, bytes, int, bytes, bytes], T]


class HeadSigner(Protocol):
    @property
    def public_key(self) -> bytes: ...

    def sign(self, text: str) -> bytes: ...


class Signable(Protocol[Kept_contra]):
    async def sign(self, before: datetime, signed: Callable[[Tip], Kept_contra]) -> int:
        """Keeps a checkpoint for each chain that has grown since its last one, if that is from
        `before`; how many those were."""


class Signing(Generic[T]):
    """Makes checkpoints of chains that have grown, each at most once in `every`."""

    def __init__(
        self,
        chain: Signable[T],
        checkpoints: Checkpoints[T],
        signer: HeadSigner,
        ids: Ids,
        clock: Clock,
        every: timedelta,
    ) -> None:
        self._chain, self._checkpoints, self._signer = chain, checkpoints, signer
        self._ids, self._clock, self._every = ids, clock, every

    async def sign(self) -> int:
        now = self._clock.now()
        return await self._chain.sign(now - self._every, lambda tip: self._signed(tip, now))

    def _signed(self, tip: Tip, now: datetime) -> T:
        # The wire knows whole seconds, and what is signed can be read off it.
        created = now.replace(microsecond=0)
        kind = self._checkpoints
        text = signed_text(kind.title, tip.account, tip.livemode, tip.position, tip.head, created)
        return kind.make(
            self._ids.new(kind.prefix),
            created,
            tip.position,
            tip.head,
            tip.count,
            self._signer.public_key,
            self._signer.sign(text),
        )
