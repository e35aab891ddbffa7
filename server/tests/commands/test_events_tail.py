from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from guilder_server.cli import main
from tests.support.api import Api
from tests.support.servers import RunningCommand, environment, guilder


def tail(api: Api, *arguments: str) -> RunningCommand:
    command = ["events", "tail", "--api-base", api.url, *arguments]
    return RunningCommand(command, {"GUILDER_API_KEY": api.key})


def lines_of(running: RunningCommand, count: int) -> list[str]:
    assert running.process.stdout is not None
    return [running.process.stdout.readline().rstrip("\n") for _ in range(count)]


def test_it_shows_some_old_events_and_then_what_happens(api: Api) -> None:
    for name in ("Ada", "Grace", "Barbara"):
        api.post("/v1/customers", name=name)
    with tail(api, "--limit", "2", "--json") as running:
        old: list[dict[str, Any]] = [json.loads(line) for line in lines_of(running, 2)]
        assert [event["data"]["object"]["name"] for event in old] == ["Grace", "Barbara"]
        customer = api.post("/v1/customers", name="Hedy · 海蒂")
        (line,) = lines_of(running, 1)
        event = json.loads(line)
        assert event["data"]["object"] == customer.body
        assert event == api.get(f"/v1/events/{event['id']}").body
        assert "海蒂" in line
        assert running.stop() == 0
        assert running.output() == ""


def test_it_shows_only_what_was_asked_for(api: Api) -> None:
    with tail(api, "--events", "charge.*,refund.created", "--limit", "1") as running:
        api.post("/v1/customers")
        # The first old event is the sign that the stream has begun.
        intent = api.pay()
        (first,) = lines_of(running, 1)
        api.post("/v1/refunds", payment_intent=intent["id"])
        shown = [first, *lines_of(running, 2)]
        types = [line.split()[1] for line in shown]
        assert types == ["charge.succeeded", "refund.created", "charge.refunded"]
        assert all(line.split()[2].startswith("evt_") for line in shown)
        assert running.stop() == 0


@pytest.mark.parametrize("something_happens", [True, False])
def test_it_ends_quietly_when_nobody_reads_any_more(api: Api, something_happens: bool) -> None:
    api.post("/v1/customers")
    with subprocess.Popen(
        guilder("events", "tail", "--limit", "1", "--api-base", api.url),
        env=environment({"GUILDER_API_KEY": api.key}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert b"customer.created" in process.stdout.readline()
        process.stdout.close()
        if something_happens:
            api.post("/v1/customers")
        assert process.wait(60) == 0
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    "arguments", [["--limit", "101"], ["--limit", "x"], ["--events", "charge"], ["--events", "x.*"]]
)
def test_a_mistaken_wish_ends_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["events", "tail", *arguments])
    assert ended.value.code == 2
