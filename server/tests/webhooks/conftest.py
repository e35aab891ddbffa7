"""An account whose events a worker carries out, and a listener that takes them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.sinks import Sink, sinking
from tests.support.webhook_story import Story, telling


@pytest.fixture
async def story(database_url: str) -> AsyncIterator[Story]:
    async with telling(database_url) as found:
        yield found


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with sinking() as listening:
        yield listening
