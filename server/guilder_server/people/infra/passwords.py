"""Passwords by Argon2id, in threads of their own: a guess takes tens of milliseconds."""

from __future__ import annotations

import asyncio
import base64
import os

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

# Each guess takes 64 MiB for as long as it lasts.
_AT_ONCE = 2


class Argon2Passwords:
    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._turns = asyncio.Semaphore(_AT_ONCE)
        # Takes as long as the hash of somebody's password, and no password has it.
        costs = self._hasher
        self._nobodys = (
            f"$argon2id$v=19$m={costs.memory_cost},t={costs.time_cost},p={costs.parallelism}"
            f"${_random(costs.salt_len)}${_random(costs.hash_len)}"
        )

    async def hash(self, password: str) -> str:
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, kept: str | None, password: str) -> bool:
        async with self._turns:
            right = await asyncio.to_thread(self._verify, kept or self._nobodys, password)
        return right and kept is not None

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (Argon2Error, InvalidHashError):
            return False


def _random(length: int) -> str:
    return base64.b64encode(os.urandom(length)).decode().rstrip("=")
