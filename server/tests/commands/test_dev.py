"""`guilder dev` as a user runs it: real processes, a real payment."""

from __future__ import annotations

import os
import pty
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from guilder_server.cli import main
from tests.support.processes import eventually, processes_mentioning
from tests.support.servers import RunningCommand, environment, guilder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "closed" / "folder"


@pytest.fixture
def dev(folder: Path) -> Iterator[RunningCommand]:
    folder.parent.mkdir(mode=0o700)
    with start(folder) as running:
        yield running


def start(folder: Path) -> RunningCommand:
    return RunningCommand(["dev", "--port", "0", "--data-dir", str(folder)])


def pay(described: dict[str, Any]) -> str:
    answer = httpx.post(
        f"{described['api_base']}/v1/payment_intents",
        auth=(described["secret_key"], ""),
        data={
            "amount": "2000",
            "currency": "eur",
            "confirm": "true",
            "payment_method": "pm_card_visa",
            "payment_method_types[]": "card",
        },
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "succeeded"
    return str(answer.json()["id"])


def find(described: dict[str, Any], intent: str) -> int:
    return httpx.get(
        f"{described['api_base']}/v1/payment_intents/{intent}", auth=(described["secret_key"], "")
    ).status_code


def test_a_payment_outlives_a_kill_and_a_stop(dev: RunningCommand, folder: Path) -> None:
    described = dev.wait_for(folder / "dev.json")
    assert stat.S_IMODE((folder / "dev.json").stat().st_mode) == 0o600
    assert set(described) == {"api_base", "secret_key", "publishable_key", "account"}
    first = pay(described)

    dev.kill()
    assert eventually(lambda: not processes_mentioning(str(folder)))
    (folder / "dev.json").unlink()

    with start(folder) as again:
        returned = again.wait_for(folder / "dev.json")
        assert {**returned, "api_base": ""} == {**described, "api_base": ""}
        assert find(returned, first) == 200
        second = pay(returned)
        assert again.stop(signal.SIGTERM) == 0
        said = again.output()
    assert returned["api_base"] in said
    assert returned["secret_key"] in said
    assert "curl" in said
    assert not processes_mentioning(str(folder))

    with start(folder) as third:
        found = third.wait_for(folder / "dev.json")
        assert [find(found, each) for each in (first, second)] == [200, 200]
        assert third.stop(signal.SIGINT) == 0


def test_other_commands_work_beside_it_and_after_it(
    dev: RunningCommand, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    described = dev.wait_for(folder / "dev.json")
    for command in (["doctor"], ["migrate"], ["ledger", "verify"]):
        assert main([*command, "--data-dir", str(folder)]) == 0, capsys.readouterr()

    capsys.readouterr()
    assert main(["dev", "--port", "0", "--data-dir", str(folder)]) == 1
    owner = f"`guilder dev` (process {dev.process.pid}) works in {folder}"
    assert owner in capsys.readouterr().err

    port = described["api_base"].rsplit(":", 1)[1]
    other = folder.parent / "other"
    assert main(["dev", "--port", port, "--data-dir", str(other)]) == 1
    assert f"port {port}" in capsys.readouterr().err
    assert not other.exists()

    assert dev.stop() == 0
    for command in (["ledger", "verify"], ["doctor", "--json"]):
        assert main([*command, "--data-dir", str(folder)]) == 0, capsys.readouterr()
    assert not processes_mentioning(str(folder))


def test_a_crash_of_postgres_is_repaired(dev: RunningCommand, folder: Path) -> None:
    described = dev.wait_for(folder / "dev.json")
    intent = pay(described)
    lock_file = folder / "postgres" / "postmaster.pid"
    os.kill(int(lock_file.read_text().split()[0]), signal.SIGKILL)
    assert eventually(lambda: _answers(described, intent))
    pay(described)


def _answers(described: dict[str, Any], intent: str) -> bool:
    try:
        return find(described, intent) == 200
    except httpx.TransportError:
        return False


def test_a_stop_while_it_starts_leaves_nothing(folder: Path) -> None:
    with start(folder) as starting:
        assert eventually((folder / "postgres.log").exists)
        assert starting.stop(signal.SIGTERM) == 0
    assert eventually(lambda: not processes_mentioning(str(folder)))
    with start(folder) as again:
        pay(again.wait_for(folder / "dev.json"))


def test_ctrl_c_in_a_terminal_stops_everything(folder: Path) -> None:
    terminal, theirs = pty.openpty()
    process = subprocess.Popen(
        guilder("dev", "--port", "0", "--data-dir", str(folder)),
        env=environment(),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        # The terminal belongs to whoever opens it first in a session of its own.
        preexec_fn=lambda: os.close(os.open(os.ttyname(theirs), os.O_RDWR)),  # noqa: PLW1509
    )
    os.close(theirs)
    try:
        assert eventually((folder / "dev.json").exists)
        os.write(terminal, b"\x03")
        assert process.wait(60) == 0
    finally:
        process.kill()
        os.close(terminal)
    assert not processes_mentioning(str(folder))
