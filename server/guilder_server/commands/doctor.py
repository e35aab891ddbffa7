"""`guilder doctor`: is everything as it should be, and if not, what is to be done?"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import psycopg

from guilder_server.commands.application import pending_migrations
from guilder_server.commands.durability import durability_problems
from guilder_server.commands.servers import reachable
from guilder_server.commands.walls import gaps
from guilder_server.embedded import (
    EmbeddedServersMissing,
    FolderInUse,
    NoUnprivilegedUser,
    ServerFailed,
)
from guilder_server.settings import SettingError, Settings

OLDEST_POSTGRES = 15
OLDEST_REDIS = 6
SKEW_WARNING = timedelta(seconds=1)
SKEW_FAILURE = timedelta(seconds=30)
# A worker that runs looks every second.
_LATE_S = 60

_SERVER_TROUBLE = (
    EmbeddedServersMissing,
    FolderInUse,
    NoUnprivilegedUser,
    PermissionError,
    ServerFailed,
)

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    status: Literal["ok", "warn", "fail"]
    detail: str
    advice: str = ""


def doctor(read: Callable[[], Settings], data_dir: Path | None, as_json: bool) -> int:
    findings = list(examine(read, data_dir))
    healthy = all(finding.status != "fail" for finding in findings)
    if as_json:
        checks = [dataclasses.asdict(finding) for finding in findings]
        print(json.dumps({"ok": healthy, "checks": checks}, indent=2))
    else:
        for finding in findings:
            print(f"{finding.status:4}  {finding.subject:12}  {finding.detail}")
            if finding.advice:
                print(f"      {'':12}  -> {finding.advice}")
    return 0 if healthy else 1


def examine(read: Callable[[], Settings], data_dir: Path | None) -> Iterator[Finding]:
    try:
        settings = read()
    except SettingError as error:
        yield Finding("settings", "fail", str(error), "Correct or remove this variable.")
        return
    try:
        with reachable(settings, data_dir, "doctor") as found:
            yield from _settings(found)
            yield from _database(found)
            yield from _redis(found)
    except SettingError as error:
        yield Finding("settings", "fail", str(error))
    except _SERVER_TROUBLE as error:
        yield Finding("servers", "fail", str(error))


def _settings(settings: Settings) -> Iterator[Finding]:
    missing = False
    for name in ("key_pepper", "fingerprint_key", "sealing_key"):
        try:
            settings.require(name)
        except SettingError as error:
            missing = True
            yield Finding(
                "settings", "fail", str(error), "One way to make a value: openssl rand -hex 32"
            )
    if not missing:
        yield Finding("settings", "ok", f"{settings.mode} mode, {settings.workers} worker(s)")
    if not settings.ledger_signing_key:
        yield Finding(
            "ledger",
            "warn",
            "GUILDER_LEDGER_SIGNING_KEY is not set: what is posted and audited is chained and "
            "nothing signed",
            "Set it for `guilder worker`; one way to make a value: openssl rand -hex 32",
        )
    else:
        yield Finding("ledger", "ok", "what is posted and audited is chained and signed")
    if settings.livemode_allowed and settings.public_url is None:
        yield Finding(
            "settings",
            "warn",
            "live mode without GUILDER_PUBLIC_URL",
            "Set it to the address under which clients reach this server.",
        )


def _database(settings: Settings) -> Iterator[Finding]:
    url = settings.required_database_url
    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        yield Finding(
            "database",
            "fail",
            f"cannot be reached: {str(error).strip()}",
            "Check GUILDER_DATABASE_URL, that PostgreSQL runs there and that it lets you in.",
        )
        return
    with connection:
        yield _version(connection)
        yield from _durability(connection, settings)
        yield _role(connection)
        current = _migrations(url)
        yield current
        yield _clock(connection)
        if current.status == "ok":
            walls = list(_isolation(connection))
            yield from walls
            if all(wall.status != "fail" for wall in walls):
                # A login that only serves has no rights of its own to any table.
                connection.execute("SET ROLE guilder_jobs")
                yield _webhooks(connection)


def _version(connection: Connection) -> Finding:
    number = connection.info.server_version
    major, minor = divmod(number, 10_000)
    if major < OLDEST_POSTGRES:
        return Finding(
            "database",
            "fail",
            f"PostgreSQL {major}.{minor} is too old",
            f"Move to PostgreSQL {OLDEST_POSTGRES} or newer.",
        )
    return Finding("database", "ok", f"PostgreSQL {major}.{minor} answers")


def _durability(connection: Connection, settings: Settings) -> Iterator[Finding]:
    problems = durability_problems(connection)
    for problem in problems:
        what, _, advice = problem.partition(". ")
        status: Literal["fail", "warn"] = "fail" if settings.livemode_allowed else "warn"
        yield Finding("durability", status, what, advice)
    if not problems:
        yield Finding("durability", "ok", "fsync, full_page_writes and synchronous_commit are on")
    row = connection.execute("SELECT current_setting('data_checksums')").fetchone()
    if row is not None and row[0] != "on":
        yield Finding(
            "durability",
            "warn",
            "data checksums are off, so damage on disk goes unnoticed",
            "Stop PostgreSQL and run pg_checksums --enable.",
        )


def _role(connection: Connection) -> Finding:
    row = connection.execute(
        "SELECT current_user, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    assert row is not None
    if row[1]:
        return Finding(
            "role",
            "warn",
            f"{row[0]} is above row-level security: the server gives it up, others do not",
            "Use a role without SUPERUSER and BYPASSRLS that owns the database.",
        )
    return Finding("role", "ok", f"{row[0]} is an ordinary role")


def _migrations(url: str) -> Finding:
    from guilder_server.postgres.migrate import NewerDatabase

    try:
        missing = pending_migrations(url)
    except NewerDatabase as newer:
        return Finding("migrations", "fail", "the schema is newer than this Guilder", str(newer))
    if missing:
        return Finding(
            "migrations", "fail", f"missing: {', '.join(missing)}", "Run `guilder migrate`."
        )
    return Finding("migrations", "ok", "the schema is current")


def _isolation(connection: Connection) -> Iterator[Finding]:
    found = gaps(connection)
    for gap in found:
        yield Finding("isolation", gap.status, gap.detail, gap.advice)
    if not found:
        yield Finding("isolation", "ok", "the database keeps tenants apart by itself")


def _clock(connection: Connection) -> Finding:
    before = datetime.now(UTC)
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    after = datetime.now(UTC)
    assert row is not None
    theirs: datetime = row[0]
    # Anything the way there and back can explain is no difference.
    skew = max(before - theirs, theirs - after, timedelta(0))
    detail = f"this machine and the database differ by {skew.total_seconds():.3f} s"
    advice = "Synchronise both clocks (NTP): keys expire and events are ordered by them."
    if skew > SKEW_FAILURE:
        return Finding("clock", "fail", detail, advice)
    if skew > SKEW_WARNING:
        return Finding("clock", "warn", detail, advice)
    return Finding("clock", "ok", detail)


def _webhooks(connection: Connection) -> Finding:
    """Whether anybody sends what is due: the oldest of it, of each endpoint that takes events."""
    row = connection.execute(
        """
        SELECT count(*), extract(epoch FROM max(now() - due.oldest))
        FROM webhook_endpoints w CROSS JOIN LATERAL (
            SELECT min(next_attempt_at) AS oldest FROM webhook_deliveries d
            WHERE d.tenant_id = w.tenant_id AND d.endpoint_id = w.id
              AND d.next_attempt_at <= now()
        ) due
        WHERE w.slot IS NOT NULL AND w.disabled_at IS NULL AND due.oldest IS NOT NULL
        """
    ).fetchone()
    assert row is not None
    endpoints, oldest_s = row
    if endpoints and oldest_s > _LATE_S:
        return Finding(
            "webhooks",
            "warn",
            f"{endpoints} endpoint(s) wait for events that have been due for {oldest_s:.0f} s",
            "Run `guilder worker`; if one runs, read its log, or run another.",
        )
    return Finding("webhooks", "ok", "nothing is overdue")


def _redis(settings: Settings) -> Iterator[Finding]:
    import redis

    if settings.redis_url is None:
        yield Finding(
            "redis",
            "warn",
            "GUILDER_REDIS_URL is not set",
            "Payments work without Redis; rate limits across workers and quick wake-ups do not.",
        )
        return
    client = redis.Redis.from_url(
        settings.redis_url, socket_timeout=5, socket_connect_timeout=5, decode_responses=True
    )
    try:
        started = time.monotonic()
        about: Any = client.info("server")
        version = str(about["redis_version"])
        took_ms = (time.monotonic() - started) * 1000
    except redis.RedisError as error:
        yield Finding("redis", "fail", f"cannot be reached: {error}", "Check GUILDER_REDIS_URL.")
        return
    finally:
        with suppress(redis.RedisError):
            client.close()
    if int(version.split(".", maxsplit=1)[0]) < OLDEST_REDIS:
        advice = f"Move to Redis {OLDEST_REDIS} or newer."
        yield Finding("redis", "fail", f"Redis {version} is too old", advice)
    else:
        yield Finding("redis", "ok", f"Redis {version} answers in {took_ms:.1f} ms")
