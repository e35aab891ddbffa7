from __future__ import annotations

from pathlib import Path

import pytest

from guilder_server.cli import main
from tests.support.servers import run_guilder


def test_help_names_every_command_and_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    commands = ("dev", "serve", "migrate", "ledger", "doctor", "snapshot", "accounts", "keys")
    for word in (*commands, "GUILDER_PORT"):
        assert word in said


def test_help_keeps_the_capitals_of_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["keys", "--help"])
    assert "Make API keys, roll and revoke them." in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["sing"],
        ["dev", "--port", "x"],
        ["dev", "--port", "65536"],
        ["serve", "--workers", "0"],
        ["ledger"],
        ["snapshot", "show"],
    ],
)
def test_a_mistaken_command_line_ends_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


@pytest.mark.parametrize(
    "command", [["dev"], ["serve"], ["migrate"], ["ledger", "verify"], ["accounts", "list"]]
)
def test_an_unknown_setting_stops_every_command(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GUILDER_PROT", "1")
    assert main(command) == 2
    assert "GUILDER_PROT is not a setting" in capsys.readouterr().err


def test_a_folder_that_is_none_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", "--data-dir", str(tmp_path)]) == 1
    assert "guilder dev --data-dir" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_without_a_database_it_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["migrate"]) == 2
    assert "GUILDER_DATABASE_URL" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["migrate"], ["serve", "--port", "0"], ["worker"]])
def test_a_database_that_is_not_there_is_said_with_where_to_look(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for secret in ("KEY_PEPPER", "FINGERPRINT_KEY", "SEALING_KEY"):
        monkeypatch.setenv(f"GUILDER_{secret}", "5" * 64)
    monkeypatch.setenv("GUILDER_DATABASE_URL", f"postgresql:///guilder?host={tmp_path}")
    assert main(command) == 1
    said = capsys.readouterr().err
    assert said.startswith("guilder: The database cannot be reached: ")
    assert said.endswith("\n`guilder doctor` says more.\n")


def test_version_is_that_of_the_package() -> None:
    done = run_guilder("version")
    assert done.returncode == 0
    assert done.stdout.startswith("guilder 0.")
