from __future__ import annotations

from typing import get_args

import pytest

from guilder_server.cli import main
from guilder_server.commands.desk.happenings import HAPPENINGS, NOT_AT_WILL
from guilder_server.wire.events import EventType
from tests.support.api import Api, ApiServer


def trigger(api: Api, *arguments: str) -> int:
    return main(["trigger", *arguments, "--api-base", api.url, "--api-key", api.key])


@pytest.mark.parametrize("type", HAPPENINGS)
def test_every_type_really_happens(api: Api, type: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert trigger(api, type) == 0
    said = capsys.readouterr().out.splitlines()
    word, event_id, shown = said[-1].split()
    assert (word, shown) == ("event", type)
    event = api.get(f"/v1/events/{event_id}")
    assert event["type"] == type
    assert event["livemode"] is False
    subject = event["data"]["object"]["id"]
    assert subject in " ".join(said[:-1]), f"{subject} was not shown: {said}"


def test_each_type_of_the_contract_can_be_made_to_happen_or_it_is_known_why_not() -> None:
    assert set(get_args(EventType)) <= set(HAPPENINGS) | set(NOT_AT_WILL)
    assert not set(HAPPENINGS) & set(NOT_AT_WILL)


def test_the_list_names_all_that_it_knows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trigger", "--list"]) == 0
    assert capsys.readouterr().out.split() == list(HAPPENINGS)


@pytest.mark.parametrize("wrong", [["invoice.paid"], ["payment_intent.suceeded"], []])
def test_an_unknown_type_is_a_mistake_and_the_known_ones_are_told(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["trigger", *wrong])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    if wrong:
        assert all(name in said for name in HAPPENINGS)
    assert ("Did you mean payment_intent.succeeded?" in said) == ("suceeded" in "".join(wrong))


def test_what_cannot_happen_at_will_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["trigger", "charge.expired"])
    assert ended.value.code == 2
    assert "seven days" in capsys.readouterr().err


def test_a_key_that_is_not_of_test_mode_makes_nothing_happen(
    api_server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    live = api_server.open_account(livemode=True)
    publishable = api_server.open_account().publishable_key
    for key in (live.secret_key, publishable):
        base = ["--api-base", api_server.url, "--api-key", key]
        assert main(["trigger", "customer.created", *base]) == 1
        assert "Only a secret test key" in capsys.readouterr().err


def test_a_refusal_of_the_server_is_passed_on(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = api.key[:-1] + ("0" if api.key[-1] != "0" else "1")
    base = ["--api-base", api.url, "--api-key", wrong]
    assert main(["trigger", "customer.created", *base]) == 1
    assert "answered 401: " in capsys.readouterr().err
