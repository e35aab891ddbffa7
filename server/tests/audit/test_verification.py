"""`guilder audit verify` finds whatever was done to the trail behind its back, and says what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from guilder_server.audit.verification.chain import Altered, Walk
from guilder_server.audit.verification.checkpoints import check_checkpoints
from guilder_server.kernel.actor import Actor
from guilder_server.kernel.audit import Cause, Touched
from guilder_server.postgres.marks import Mark
from guilder_server.postgres.pool import Connection
from guilder_server.postgres.trail import blocks
from tests.support.chained import audited
from tests.support.composed import composed
from tests.support.operators import Operator
from tests.support.postgres import TestDatabases

pytestmark = pytest.mark.anyio

_CAUSE = Cause(Actor("api_key", "key_1", "8.8.8.8"), "create_refund", "req_1")


def _lines(count: int, amount: int = 5) -> list[bytes]:
    return [
        blocks.line(_CAUSE, [Touched("refund", f"re_{n}", None, {"amount": amount})])
        for n in range(count)
    ]


@dataclass(frozen=True)
class Trail:
    """Blocks 1 to 7 of one tenant, of which 4 has three entries; signed at 5 and at 7, so that 8
    is chained and not signed, and 9 waits."""

    connection: Connection
    tenant: int
    ids: dict[int, str]

    async def run(self, sql: str, *values: object) -> None:
        await self.connection.execute(sql.replace("OWN", f"tenant_id = {self.tenant}"), values)

    async def found(self, marks: dict[str, Mark] | None = None) -> str | None:
        """The sentence about the first difference."""
        try:
            await Walk(self.connection, None, marks or {}, incremental=False).run()
            await check_checkpoints(self.connection, None)
        except Altered as altered:
            return str(altered)
        return None

    async def repack(self, position: int, lines: list[bytes]) -> None:
        payload = blocks.block("aud", 0, lines).payload
        await self.run(
            "UPDATE audit_blocks SET payload = %s WHERE OWN AND position = %s", payload, position
        )


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def kept(postgres: TestDatabases) -> AsyncIterator[tuple[str, int]]:
    with postgres.database() as url:
        async with composed(url) as story:
            tenant = story.account.tenant_id
            await audited(url)
            async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
                await connection.execute("DELETE FROM audit_blocks")
                await connection.execute("DELETE FROM audit_checkpoints")
                made = [f"aud_{n:09}" + "a" * 13 + "00" for n in range(1, 10)]
                for n, id in enumerate(made, 1):
                    lines = _lines(3 if n == 4 else 1, n)
                    one = blocks.block(id, blocks.terms_of(_CAUSE, ["refund"]), lines)
                    await connection.execute(
                        "INSERT INTO audit_blocks (tenant_id, id, terms, locators, payload) "
                        "VALUES (%s, %s, %s, %s, %s)",
                        [tenant, id, one.terms, one.locators, one.payload],
                    )
                    if n in (5, 7):
                        await audited(url)
                    if n == 8:
                        async with connection.transaction():
                            await _place(connection)
        yield url, tenant


async def _place(connection: Connection) -> None:
    from guilder_server.audit.infra.chaining import extend
    from guilder_server.postgres import columns

    columns.register(connection.adapters)
    await extend(connection)


@pytest.fixture
async def trail(kept: tuple[str, int]) -> AsyncIterator[Trail]:
    """Put back in the end."""
    url, tenant = kept
    async with await psycopg.AsyncConnection.connect(url) as connection:
        rows = await (
            await connection.execute("SELECT position, id FROM audit_blocks ORDER BY id")
        ).fetchall()
        yield Trail(connection, tenant, {place: id for place, id in rows if place is not None})
        await connection.rollback()


async def test_what_nobody_touched_is_sound(trail: Trail) -> None:
    assert len(trail.ids) == 8
    assert await trail.found() is None


Tamper = Callable[[Trail], Awaitable[None]]
UPDATE = "UPDATE audit_blocks SET {} WHERE OWN AND position = {}"


def edit(setting: str, position: int) -> Tamper:
    return lambda trail: trail.run(UPDATE.format(setting, position))


def delete(where: str) -> Tamper:
    return lambda trail: trail.run(f"DELETE FROM audit_blocks WHERE OWN AND {where}")


def sign(setting: str) -> Tamper:
    return lambda trail: trail.run(
        f"UPDATE audit_checkpoints SET {setting} WHERE OWN AND position = 5"
    )


async def _swap_places(trail: Trail) -> None:
    await trail.run(UPDATE.format("position = -1", 3))
    await trail.run(UPDATE.format("position = 3", 6))
    await trail.run(UPDATE.format("position = 6", -1))


async def _swap_contents(trail: Trail) -> None:
    await trail.run(
        "UPDATE audit_blocks a SET payload = b.payload FROM audit_blocks b "
        "WHERE a.OWN AND b.tenant_id = a.tenant_id "
        "AND (a.position, b.position) IN ((3, 6), (6, 3))"
    )


async def _insert(trail: Trail) -> None:
    await trail.run("UPDATE audit_blocks SET position = -position WHERE OWN AND position >= 3")
    await trail.run("UPDATE audit_blocks SET position = 1 - position WHERE OWN AND position < 0")
    id = trail.ids[2][:-3] + "b00"
    one = blocks.block(id, blocks.terms_of(_CAUSE, ["refund"]), _lines(1, 99))
    await trail.run(
        "INSERT INTO audit_blocks (tenant_id, id, terms, locators, payload, position, head) "
        "SELECT tenant_id, %s, terms, '', %s, 3, head FROM audit_blocks WHERE OWN AND position = 2",
        id,
        one.payload,
    )


async def _renumber(trail: Trail) -> None:
    await delete("position = 3")(trail)
    await trail.run("UPDATE audit_blocks SET position = -position WHERE OWN AND position > 3")
    await trail.run("UPDATE audit_blocks SET position = -position - 1 WHERE OWN AND position < 0")


TAMPERING: dict[str, tuple[Tamper, str]] = {
    "an entry is edited": (lambda trail: trail.repack(3, _lines(1, 4)), "entry {3}"),
    "an entry among others is edited": (
        lambda trail: trail.repack(4, [*_lines(2, 4), *_lines(1, 7)]),
        "entry {4.2} (create_refund by api_key key_1, 1970-01-01T00:00:00+00:00) of",
    ),
    "an entry among others is deleted": (
        lambda trail: trail.repack(4, _lines(2, 4)),
        "entry {4.2} of",
    ),
    "an entry is added to others": (
        lambda trail: trail.repack(4, _lines(4, 4)),
        "was added to its commit",
    ),
    "an entry is added to one": (
        lambda trail: trail.repack(3, [*_lines(1, 3), *_lines(1, 4)]),
        "was added to its commit",
    ),
    "a payload is damaged": (edit("payload = '\\x0102'", 3), "entry {3}"),
    "a payload is emptied": (edit("payload = ''", 3), "entry {3}"),
    "the id is edited": (edit("id = overlay(id placing 'zz' from 20)", 3), "is not what was"),
    "the id is no id any more": (edit("id = 'aud_x'", 3), "aud_x"),
    "what it is found by is edited": (edit("terms = terms | 1 << 20", 3), "is found by"),
    "a locator is edited": (
        edit("locators = overlay(locators placing '\\x00' from 6)", 4),
        "{4.1}",
    ),
    "locators are given to one that needs none": (edit("locators = '\\x01020304'", 3), "{3}"),
    "the head is edited": (edit("head = sha256(head)", 3), "the head of the chain of"),
    "the last head is edited": (edit("head = sha256(head)", 8), "{8}"),
    "a place is taken away": (edit("position = NULL", 8), "has lost its place"),
    "a place is changed": (edit("position = 20", 8), "at position 8"),
    "the first is deleted": (delete("position = 1"), "position 1 of"),
    "one in the middle is deleted": (delete("position = 3"), "stood after entry {2}"),
    "several are deleted": (delete("position IN (3, 4)"), "what 2 commits at position 3"),
    "one is deleted and the others moved up": (_renumber, "entry {4}"),
    "the last ones are deleted": (delete("position >= 7"), "entries at the end of"),
    "all are deleted": (delete("true"), "entries at the end of"),
    "two change places": (_swap_places, "entry {6} (create_refund"),
    "two change contents": (_swap_contents, "entry {3} (create_refund"),
    "one is inserted": (_insert, "was inserted or moved: it stands at position 3 of"),
    "a checkpoint has another head": (sign("head = sha256(head)"), "its signature"),
    "a checkpoint has another place": (sign("position = 6"), "its signature"),
    "a checkpoint has another time": (sign("created = created + '1s'"), "its signature"),
    "a checkpoint has a fraction more": (sign("created = created + '1ms'"), "its signature"),
    "a checkpoint has another signature": (sign("signature = '\\x00'"), "its signature"),
    "a checkpoint has another key": (sign("public_key = sha256(head)"), "its signature"),
    "a checkpoint counts otherwise": (sign("entries = entries + 1"), "says 8 entries"),
}


@pytest.mark.parametrize("what", TAMPERING)
async def test_what_was_done_is_found_and_named(trail: Trail, what: str) -> None:
    tamper, expected = TAMPERING[what]
    await tamper(trail)
    found = await trail.found()
    assert found is not None
    for position, id in trail.ids.items():
        expected = expected.replace(f"{{{position}}}", id)
        for place in (1, 2):
            expected = expected.replace(f"{{{position}.{place}}}", blocks.entry_id(id, place))
    assert expected in found


async def test_every_column_is_covered(trail: Trail) -> None:
    names = await trail.connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'audit_blocks'::regclass AND attnum > 0"
    )
    assert {name for (name,) in await names.fetchall()} == {
        *("tenant_id", "id", "terms", "locators", "payload", "position", "head")
    }


async def test_what_is_moved_to_another_tenant_is_missed(trail: Trail) -> None:
    await trail.run(
        "UPDATE audit_blocks SET tenant_id = (SELECT id FROM tenants WHERE NOT id = "
        f"{trail.tenant} LIMIT 1) WHERE OWN AND position = 3"
    )
    assert (await trail.found()) is not None


async def test_what_was_remembered_cannot_be_taken_away_with_its_signatures(
    trail: Trail,
) -> None:
    row = await (
        await trail.connection.execute(
            "SELECT account_id || '/test', head FROM audit_blocks b JOIN tenants t "
            "ON t.id = b.tenant_id WHERE position = 8"
        )
    ).fetchone()
    assert row is not None
    marks = {row[0]: Mark(8, row[1])}
    assert await trail.found(marks) is None
    await delete("position >= 6")(trail)
    await trail.run("DELETE FROM audit_checkpoints WHERE OWN AND position >= 6")
    assert await trail.found() is None
    assert "which was remembered: the entries at its end were deleted" in str(
        await trail.found(marks)
    )
    await trail.run("DELETE FROM audit_blocks WHERE OWN")
    await trail.run("DELETE FROM audit_checkpoints WHERE OWN")
    assert "was remembered and is gone" in str(await trail.found(marks))


async def test_the_command_says_so_and_ends_with_1(kept: tuple[str, int], tmp_path: Path) -> None:
    url, _ = kept
    operator = Operator({"GUILDER_DATABASE_URL": url})
    marks = tmp_path / "marks"
    for _ in range(2):
        said = await asyncio.to_thread(operator, "audit", "verify", "--since", str(marks))
        # Other servers of this process may log meanwhile.
        assert (said.status, "guilder:" in said.err) == (0, False)
    assert "The audit trail is sound." in said.out
    assert "Only what came since was checked" in said.out
    full = await asyncio.to_thread(operator, "audit", "verify")
    assert "11 entries" in full.out
    assert "1 commits wait" in full.out
    missing = await asyncio.to_thread(operator, "audit", "verify", "--account", "acct_none")
    assert (missing.status, missing.err.startswith("guilder: There is no account")) == (1, True)
    change = "UPDATE audit_blocks SET payload = payload || %s::bytea WHERE position = 2"
    with psycopg.connect(url) as connection:
        before = connection.execute(
            "SELECT payload FROM audit_blocks WHERE position = 2"
        ).fetchone()
        connection.execute(change, [b"\x00"])
    try:
        said = await asyncio.to_thread(operator, "audit", "verify")
        assert said.status == 1
        assert "FAILED  every entry" in said.out
        assert "was edited" in said.err
    finally:
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE audit_blocks SET payload = %s WHERE position = 2", before)
