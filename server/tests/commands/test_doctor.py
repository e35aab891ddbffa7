from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import psycopg
import pytest

from guilder_server.commands import doctor
from guilder_server.commands.doctor import Finding, examine
from guilder_server.settings import Settings, read_settings
from tests.support.postgres import TestDatabases
from tests.support.servers import run_guilder


def settings_for(
    database_url: str, redis_url: str | None = None, mode: Literal["test", "live"] = "test"
) -> Settings:
    return Settings(
        database_url=database_url,
        redis_url=redis_url,
        mode=mode,
        key_pepper="p" * 32,
        fingerprint_key="f" * 32,
        sealing_key="s" * 32,
    )


def found(settings: Settings) -> dict[str, list[Finding]]:
    by_subject: dict[str, list[Finding]] = {}
    for finding in examine(lambda: settings, None):
        by_subject.setdefault(finding.subject, []).append(finding)
    return by_subject


def test_a_healthy_installation(database_url: str, redis_url: str) -> None:
    findings = found(settings_for(database_url, redis_url))
    for subject in (
        *("settings", "database", "role", "migrations", "isolation"),
        *("clock", "webhooks", "redis"),
    ):
        assert [each.status for each in findings[subject]] == ["ok"], findings[subject]


def test_settings_that_can_lose_money_fail_in_live_mode_only(database_url: str) -> None:
    in_test = found(settings_for(database_url))["durability"]
    in_live = found(settings_for(database_url, mode="live"))["durability"]
    assert {each.status for each in in_test} == {"warn"}
    assert [each.status for each in in_live] == ["fail"] * 3
    assert all(each.advice for each in in_live)


def test_a_ledger_that_nobody_signs_is_told(database_url: str) -> None:
    settings = settings_for(database_url)
    (finding,) = found(settings)["ledger"]
    assert finding.status == "warn"
    assert "GUILDER_LEDGER_SIGNING_KEY" in finding.detail
    (finding,) = found(dataclasses.replace(settings, ledger_signing_key="0" * 64))["ledger"]
    assert finding.status == "ok"


def test_an_unreachable_database_is_told_with_advice(tmp_path: Path) -> None:
    url = f"postgresql:///guilder?host={tmp_path}"
    (finding,) = found(settings_for(url))["database"]
    assert finding.status == "fail"
    assert "GUILDER_DATABASE_URL" in finding.advice


def test_events_that_nobody_sends_are_told(database_url: str) -> None:
    now = datetime.now(UTC)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO webhook_endpoints (tenant_id, id, version, created, url, enabled_events, "
            "metadata, connect, secret, slot) VALUES (1, 'we_1', 1, %s, 'u', '[]', '{}', false, "
            "'', 1)",
            [now],
        )
        for id, due in (("whd_1", now - timedelta(minutes=5)), ("whd_2", now)):
            connection.execute(
                "INSERT INTO webhook_deliveries (tenant_id, id, version, created, event_id, "
                "event_type, endpoint_id, status, tries, next_attempt_at, attempts) VALUES "
                "(1, %s, 1, %s, 'evt_1', 't', 'we_1', 'pending', 0, %s, '[]')",
                [id, now, due],
            )
    (finding,) = found(settings_for(database_url))["webhooks"]
    assert finding.status == "warn"
    assert "1 endpoint(s)" in finding.detail
    assert "300 s" in finding.detail
    assert "guilder worker" in finding.advice


def test_missing_migrations_fail(postgres: TestDatabases) -> None:
    with postgres.superuser_connection() as connection:
        connection.execute("CREATE DATABASE unmigrated OWNER guilder")
    try:
        url = postgres.url_of("unmigrated")
        (finding,) = found(settings_for(url))["migrations"]
    finally:
        postgres.drop("unmigrated")
    assert finding.status == "fail"
    assert "guilder migrate" in finding.advice


def test_a_role_above_row_level_security_is_warned_of(
    postgres: TestDatabases, database_url: str
) -> None:
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    url = postgres.url_of(str(name), "postgres")
    assert found(settings_for(url))["role"][0].status == "warn"


def test_a_clock_that_is_off_is_told(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "SKEW_WARNING", -doctor.SKEW_WARNING)
    assert found(settings_for(database_url))["clock"][0].status == "warn"


def test_redis_may_be_absent_but_not_broken(database_url: str, tmp_path: Path) -> None:
    absent = found(settings_for(database_url))["redis"]
    broken = found(settings_for(database_url, f"unix://{tmp_path}/none"))["redis"]
    assert [each.status for each in absent + broken] == ["warn", "fail"]


def test_a_mistaken_setting_is_a_finding() -> None:
    (finding,) = examine(lambda: read_settings({"GUILDER_PORT": "x"}), None)
    assert finding.status == "fail"
    assert "GUILDER_PORT" in finding.detail


def test_its_exit_status_and_json_are_for_programs(database_url: str) -> None:
    settings = {"GUILDER_DATABASE_URL": database_url}
    done = run_guilder("doctor", "--json", settings=settings)
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["ok"] is False
    assert {"subject", "status", "detail", "advice"} == set(told["checks"][0])
    assert any("GUILDER_KEY_PEPPER" in check["detail"] for check in told["checks"])
