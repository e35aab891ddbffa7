"""The keys that sign tokens, as one process knows them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from guilder_server.kernel.clock import Clock
from guilder_server.oauth.domain import signing
from guilder_server.oauth.domain.signing import SigningKey
from guilder_server.oauth.ports import SigningKeyStore
from guilder_server.tenancy import KNOWN_FOR_S

# A key that is not known is looked for again this often at most, whoever makes up its name.
_LOOK_AGAIN_S = 1.0


class SigningKeys:
    """`period` is how long each key signs."""

    def __init__(
        self,
        store: SigningKeyStore,
        clock: Clock,
        period: timedelta,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._clock, self._period = store, clock, period
        self._elapsed = elapsed
        self._read_at = float("-inf")
        self._keys: Sequence[SigningKey] = ()
        self._reading = asyncio.Lock()

    async def rotate(self) -> int:
        """To be done from time to time; how many keys have come or gone."""
        return await self._store.rotate(self._clock.now(), self._period)

    async def signing(self) -> SigningKey:
        """The key that signs now; one is made if no worker has done so."""
        key = signing.signing(await self._known(KNOWN_FOR_S), self._clock.now())
        if key is None:
            await self.rotate()
            key = signing.signing(await self._known(0), self._clock.now())
        assert key is not None, "a key that was just made signs"
        return key

    async def published(self) -> list[Mapping[str, str]]:
        """The public halves, as JWKs."""
        keys = signing.published(await self._known(KNOWN_FOR_S), self._clock.now())
        return [key.public for key in sorted(keys, key=lambda key: key.signs_from)]

    async def public(self, kid: str) -> Mapping[str, str] | None:
        """The public half of a key whose tokens may be good."""
        keys = await self._known(KNOWN_FOR_S)
        if not any(key.kid == kid for key in keys):
            keys = await self._known(_LOOK_AGAIN_S)
        good = signing.published(keys, self._clock.now())
        return next((key.public for key in good if key.kid == kid), None)

    async def _known(self, at_most_s: float) -> Sequence[SigningKey]:
        """The keys as they were at most so long ago."""
        wanted = self._elapsed() - at_most_s
        if self._read_at < wanted:
            async with self._reading:
                if self._read_at < wanted:
                    began = self._elapsed()
                    self._keys = await self._store.all()
                    self._read_at = began
        return self._keys
