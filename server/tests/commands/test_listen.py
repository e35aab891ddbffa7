from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import stripe
from standardwebhooks import Webhook, WebhookVerificationError

from guilder_server.cli import main
from tests.support.api import Api, ApiServer
from tests.support.local_program import Answer, LocalProgram, Received, slowly
from tests.support.processes import eventually
from tests.support.served import Served, free_port
from tests.support.servers import RunningCommand, run_guilder

_READY = "Ctrl-C ends it."


@pytest.fixture
def program() -> Iterator[LocalProgram]:
    with LocalProgram() as listening:
        yield listening


def listen(api: Api, *arguments: str) -> RunningCommand:
    command = ["listen", "--api-base", api.url, *arguments]
    return RunningCommand(command, {"GUILDER_API_KEY": api.key})


def opening_of(running: RunningCommand) -> str:
    """What it says before the first event."""
    assert running.process.stdout is not None
    said = []
    for line in running.process.stdout:
        said.append(line)
        if _READY in line:
            return "".join(said)
    raise AssertionError(f"it ended: {said}")


def secret_in(opening: str) -> str:
    return next(word for word in opening.split() if word.startswith("whsec_"))


def test_a_program_gets_events_that_both_kinds_of_libraries_accept(
    api: Api, program: LocalProgram
) -> None:
    with listen(api, "--forward-to", program.url) as running:
        secret = secret_in(opening_of(running))
        api.post("/v1/customers", name="Ada · 海蒂", metadata={"a": "b"})
        got = program.wait_for("customer.created")
        line = running.wait_for_line("customer.created")
        assert running.stop() == 0
    event = got.event
    assert event == api.get(f"/v1/events/{event['id']}").body
    assert got.body == json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    assert got.path == "/hook"
    assert got.headers["Content-Type"] == "application/json; charset=utf-8"
    assert got.headers["User-Agent"].startswith("Guilder/0.")
    assert got.headers["User-Agent"].endswith(" (listen)")
    words = line.split()
    assert words[1:4] == ["customer.created", event["id"], "200"]
    assert words[-1] == "ms"

    signature = got.headers["Stripe-Signature"]
    verified: Any = stripe.Webhook.construct_event(got.body, signature, secret)
    assert verified.data.object.metadata["a"] == "b"
    assert Webhook(secret).verify(got.body, got.headers) == event
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(got.body + b" ", signature, secret)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(got.body + b" ", got.headers)


def test_the_secret_belongs_to_the_key_alone(api: Api, other_api: Api) -> None:
    def secret_of(account: Api) -> str:
        # The server is not asked for it.
        done = run_guilder(
            "listen", "--print-secret", "--api-base", "http://127.0.0.1:1",
            settings={"GUILDER_API_KEY": account.key},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    with listen(api, "--forward-to", "localhost:9") as running:
        shown = secret_in(opening_of(running))
        assert running.stop(signal.SIGINT) == 0
    assert shown == secret_of(api) != secret_of(other_api)


def test_old_events_and_those_of_others_do_not_come(
    api: Api, other_api: Api, program: LocalProgram
) -> None:
    api.post("/v1/customers", name="old")
    only = ["--events", "customer.created,charge.*"]
    with listen(api, "--forward-to", program.url, *only) as running:
        opening_of(running)
        other_api.post("/v1/customers", name="not ours")
        api.pay()
        api.post("/v1/customers", name="new")
        assert eventually(lambda: len(program.received) == 2)
        assert running.stop() == 0
    assert sorted(program.types) == ["charge.succeeded", "customer.created"]
    assert program.wait_for("customer.created").event["data"]["object"]["name"] == "new"


def test_on_request_everything_that_is_kept_comes_first(api: Api) -> None:
    for name in ("first", "second"):
        api.post("/v1/customers", name=name)
    with listen(api, "--no-skip-old", "--json") as running:
        opening_of(running)
        api.post("/v1/customers", name="third")
        assert running.process.stdout is not None
        got = [json.loads(running.process.stdout.readline()) for _ in range(3)]
        assert running.stop() == 0
    assert got == sorted(got, key=lambda told: told["id"])
    assert [told["type"] for told in got] == ["customer.created"] * 3


def test_a_program_that_is_not_up_yet_misses_what_happens_and_gets_what_comes_after(
    api: Api,
) -> None:
    port = free_port()
    with listen(api, "--forward-to", f"127.0.0.1:{port}/hook") as running:
        opening_of(running)
        api.post("/v1/customers", name="too early")
        assert "nothing listens there (connection_refused" in running.wait_for_line("customer")
        with LocalProgram(port=port) as program:
            api.post("/v1/customers", name="in time")
            got = program.wait_for("customer.created").event
        assert got["data"]["object"]["name"] == "in time"
        assert running.stop() == 0


def test_answers_are_told_as_they_come_and_redirects_are_not_followed(api: Api) -> None:
    def answer(got: Received) -> Answer:
        name = got.event["data"]["object"]["name"]
        if name == "slow":
            return slowly(0.6)
        if name == "moved":
            return 302, {"Location": "/elsewhere"}, b""
        return 500, {}, b"oh"

    with (
        LocalProgram(answer) as program,
        listen(api, "--json", "--forward-to", program.url) as running,
    ):
        opening_of(running)
        for name in ("slow", "moved", "broken"):
            api.post("/v1/customers", name=name)
        assert running.process.stdout is not None
        told = [json.loads(running.process.stdout.readline()) for _ in range(3)]
        assert running.stop() == 0
    assert sorted(each["status"] for each in told[:2]) == [302, 500]
    assert told[2]["status"] == 200
    assert told[2]["latency_ms"] >= 600
    assert set(told[0]) == {"id", "type", "created", "status", "trouble", "latency_ms"}
    assert all(got.path == "/hook" for got in program.received)


def test_a_server_that_goes_and_comes_back_has_lost_nothing(
    database_url: str, tmp_path: Path, program: LocalProgram
) -> None:
    server, other_server = Served(database_url, tmp_path / "log"), ApiServer(database_url)
    server.start(wait=False)
    # While one starts, so does the other.
    other_server.start()
    server.wait()
    with ExitStack() as ending:
        ending.push(server)
        ending.callback(other_server.stop)
        account = server.open_account()
        api = Api(server.url, account)
        with listen(api, "--forward-to", program.url) as running:
            opening_of(running)
            server.kill()
            running.wait_for_line("; waiting.")
            Api(other_server.url, account).post("/v1/customers", name="meanwhile")
            time.sleep(0.5)
            assert program.received == []
            server.start()
            got = program.wait_for("customer.created").event
            assert got["data"]["object"]["name"] == "meanwhile"
            api.post("/v1/customers", name="after")
            assert eventually(lambda: len(program.received) == 2)
            assert running.stop() == 0
            said = running.output()
        assert said.count("answers again") == 1
        assert "does not answer" not in said


def publish(folder: Path, api_base: str, secret_key: str) -> None:
    """As `guilder dev` does when it is ready."""
    told = {"api_base": api_base, "secret_key": secret_key}
    (folder / "dev.json").write_text(json.dumps(told))


def test_it_follows_a_development_server_to_another_port(
    api_server: ApiServer, tmp_path: Path
) -> None:
    account = api_server.open_account()
    first = ApiServer(api_server.database_url)
    first.start()
    publish(tmp_path, first.url, account.secret_key)
    with RunningCommand(["listen", "--data-dir", str(tmp_path)]) as running:
        assert first.url in opening_of(running)
        first.stop()
        running.wait_for_line("does not answer")
        (tmp_path / "dev.json").unlink()
        Api(api_server.url, account).post("/v1/customers", name="meanwhile")
        time.sleep(0.5)
        publish(tmp_path, api_server.url, account.secret_key)
        assert running.wait_for_line("answers again").startswith(api_server.url)
        running.wait_for_line("customer.created")
        assert running.stop() == 0


def test_without_a_server_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GUILDER_API_KEY", raising=False)

    def complaint(*arguments: str) -> str:
        assert main(["listen", *arguments]) == 1
        return capsys.readouterr().err

    assert "`guilder dev` is not running in .guilder; start it or pass --api-base" in complaint()
    assert "`guilder dev` is not running in there; start it" in complaint("--data-dir", "there")
    key = ["--api-key", "sk_test_x"]
    assert "start it or pass --api-base." in complaint(*key)
    nobody = f"http://127.0.0.1:{free_port()}"
    assert "(or GUILDER_API_KEY)" in complaint("--api-base", nobody)
    assert f"no answer from {nobody}" in complaint("--api-base", nobody, *key)

    publish(tmp_path, nobody, "sk_test_secret")
    here = ["--data-dir", str(tmp_path)]
    assert f"no answer from {nobody}" in complaint(*here)
    # The key of the folder's account goes to the folder's server and to no other.
    assert "There is no key for http://127.0.0.1:1:" in complaint(
        *here, "--api-base", "http://127.0.0.1:1"
    )
    (tmp_path / "dev.json").write_text("{")
    assert "dev.json cannot be read" in complaint(*here)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--forward-to", "ftp://localhost"],
        ["--forward-to", ""],
        ["--events", "payment_intent.suceeded"],
        ["--api-base", "localhost"],
    ],
)
def test_a_mistaken_wish_ends_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["listen", *arguments])
    assert ended.value.code == 2
