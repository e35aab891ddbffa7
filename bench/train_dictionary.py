"""Train the dictionary that snapshots are compressed with, from what the application stores.

    .venv/bin/python bench/train_dictionary.py [--audit] [--write N] [--size BYTES]
        [--stories COUNT]

The real application serves varied merchants (stories.py) on a clock that goes through years,
so that neither a moment nor a merchant is learned by heart. Events and stored answers are then
read back. What is printed is measured on merchants the dictionary has not seen: other names,
other words, other labels, other years. `--write N` keeps it as version N; a version that was
released is never written again.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import uuid
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import sqlalchemy as sa
import zstandard

from guilder_server.composition import compose, sandbox_only
from guilder_server.embedded import PostgresServer
from guilder_server.events import API_VERSION
from guilder_server.http.app import App
from guilder_server.kernel.clock import ManualClock
from guilder_server.postgres import snapshots
from guilder_server.postgres.migrate import upgrade
from guilder_server.postgres.trail import blocks
from guilder_server.settings import Settings
from guilder_server.tenancy.bootstrap import DevAccount, open_account
from stories import HELD_OUT, LEARNED, Storyteller, Vocabulary

# Kind of snapshot ("charge.succeeded", "answer") to the JSON of each.
Samples = dict[str, list[bytes]]

_PEPPER = "a pepper that is used for training only"
_STARTS = {
    "learned": datetime(2024, 1, 3, tzinfo=UTC),
    "held out": datetime(2031, 6, 7, tzinfo=UTC),
}
_EVENTS = "SELECT type, payload FROM events WHERE tenant_id = %s ORDER BY id"
_AUDITED = "SELECT id, payload FROM audit_blocks WHERE tenant_id = %s ORDER BY id"
_ANSWERS = "SELECT response FROM idempotency_keys WHERE tenant_id = %s ORDER BY created"


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the dictionary of snapshots.")
    parser.add_argument("--write", type=int, metavar="N", help="keep it as version N")
    parser.add_argument("--audit", action="store_true", help="that of the audit trail")
    parser.add_argument("--size", type=int, default=16 * 1024, metavar="BYTES")
    parser.add_argument("--stories", type=int, default=3000, metavar="COUNT")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="guilder-train-") as folder,
        PostgresServer(Path(folder) / "postgres", durable=False) as postgres,
    ):
        upgrade(postgres.url)
        learned = asyncio.run(
            serve(postgres.url, LEARNED, "learned", options.stories, options.audit)
        )
        held_out = asyncio.run(
            serve(postgres.url, HELD_OUT, "held out", options.stories // 6, options.audit)
        )
    dictionary = train(learned, options.size)
    report(held_out, dictionary)
    if options.write is not None:
        family = blocks.FAMILY if options.audit else ""
        folder = Path(snapshots.__file__).parent / "dictionaries" / family
        path = folder / f"{options.write}.zdict"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(dictionary)
        print(f"written: {path}")


def train(learned: Samples, size: int) -> bytes:
    samples = [sample for kind in sorted(learned) for sample in learned[kind]]
    print(f"learned from {len(samples):,} snapshots, {sum(map(len, samples)):,} bytes")
    return zstandard.train_dictionary(size, samples).as_bytes()


async def serve(url: str, vocabulary: Vocabulary, label: str, stories: int, audit: bool) -> Samples:
    """What the application keeps of that many stories."""
    settings = Settings(
        database_url=url, key_pepper=_PEPPER, fingerprint_key=_PEPPER, sealing_key=_PEPPER
    )
    account = await asyncio.to_thread(_open_account, url, label)
    clock = ManualClock(_STARTS[label])
    server = compose(settings, clock, sandbox_only)
    await server.pool.open()
    try:
        async with _client(server.app, account.secret_key) as client:
            storyteller = Storyteller(vocabulary, seed=stories)

            async def ask(method: str, path: str, params: dict[str, Any]) -> dict[str, Any] | None:
                clock.advance(timedelta(hours=1, seconds=977, microseconds=131_071))
                headers = {"idempotency-key": str(uuid.uuid4())}
                answer = await client.request(method, path, json=params, headers=headers)
                if answer.status_code not in (200, 402):
                    raise SystemExit(f"{method} {path} {params}: {answer.text}")
                return answer.json() if answer.status_code == 200 else None

            for _ in range(stories):
                await storyteller.tell(ask)
    finally:
        await server.close()
    return (_audited if audit else _stored)(url, account.tenant_id)


def _open_account(url: str, name: str) -> DevAccount:
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        return open_account(connection, _PEPPER.encode(), name=name)


def _client(app: App, key: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://guilder",
        headers={"authorization": f"Bearer {key}", "stripe-version": API_VERSION},
    )


def _stored(url: str, tenant: int) -> Samples:
    found: Samples = defaultdict(list)
    with psycopg.connect(url) as connection:
        for type, payload in connection.execute(_EVENTS, [tenant]):
            found[type].append(snapshots.unpack(payload))
        for (response,) in connection.execute(_ANSWERS, [tenant]):
            found["answer"].append(snapshots.unpack(response))
    return found


def _audited(url: str, tenant: int) -> Samples:
    found: Samples = defaultdict(list)
    with psycopg.connect(url) as connection:
        for id, payload in connection.execute(_AUDITED, [tenant]):
            text = blocks.unpack(payload)
            found[blocks.entry(id, 0, text).cause.action].append(text)
    return found


def report(held_out: Samples, dictionary: bytes) -> None:
    """How small snapshots become that were not learned from."""
    plain = zstandard.ZstdCompressor(level=3)
    taught = zstandard.ZstdCompressor(level=3, dict_data=zstandard.ZstdCompressionDict(dictionary))
    print(f"\ndictionary of {len(dictionary):,} bytes, tried on snapshots it has not seen")
    print(f"{'snapshot':45} {'count':>6} {'JSON':>7} {'zstd':>7} {'taught':>7} {'factor':>7}")
    totals = [0, 0, 0, 0]
    for kind, samples in sorted(held_out.items(), key=lambda item: -len(item[1])):
        sizes = [
            len(samples),
            sum(map(len, samples)),
            sum(len(plain.compress(sample)) for sample in samples),
            sum(len(taught.compress(sample)) for sample in samples),
        ]
        totals = [total + size for total, size in zip(totals, sizes, strict=True)]
        _line(kind, *sizes)
    _line("all", *totals)


def _line(kind: str, count: int, json: int, plain: int, taught: int) -> None:
    print(
        f"{kind:45} {count:6} {json // count:7} {plain // count:7} {taught // count:7} "
        f"{json / taught:7.1f}"
    )


if __name__ == "__main__":
    main()
