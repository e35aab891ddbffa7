"""A shop that is told of its payments: it makes an endpoint, is paid, and trusts what arrives
because the official client, or a library of the Standard Webhooks, has verified it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe
from standardwebhooks import Webhook

from tests.journeys.test_node import SCRIPTS
from tests.support.api import differences
from tests.support.local_program import LocalProgram
from tests.support.official import Shop
from tests.support.postgres import TestDatabases
from tests.support.processes import eventually
from tests.support.served import Served
from tests.support.working import Working


@pytest.fixture(scope="module")
def sending(postgres: TestDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with a worker beside it."""
    folder = tmp_path_factory.mktemp("sending")
    settings = {"GUILDER_WEBHOOK_LOOPBACK": "on"}
    with (
        postgres.database() as url,
        Served(url, folder / "served", settings=settings) as server,
        Working(server, folder / "worker"),
    ):
        yield server


@pytest.fixture
def shop(sending: Served) -> Shop:
    return Shop(sending.url, sending.open_account())


def test_a_program_in_python_is_told_of_a_payment(shop: Shop) -> None:
    endpoints = shop.stripe.v1.webhook_endpoints
    with LocalProgram() as program:
        endpoint = endpoints.create(
            {
                "url": program.url,
                "enabled_events": ["payment_intent.succeeded", "charge.refunded"],
                "metadata": {"part": "warehouse"},
            }
        )
        assert endpoint.secret is not None
        intent = shop.pay(metadata={"order": "7"})
        got = program.wait_for("payment_intent.succeeded")
        event: Any = shop.stripe.construct_event(
            got.body, got.headers["Stripe-Signature"], endpoint.secret
        )
        assert (event.data.object.id, event.data.object.metadata["order"]) == (intent.id, "7")
        assert Webhook(endpoint.secret).verify(got.body, got.headers) == got.event
        with pytest.raises(stripe.SignatureVerificationError):
            shop.stripe.construct_event(
                got.body.replace(b'"7"', b'"8"'), got.headers["Stripe-Signature"], endpoint.secret
            )
        refund = shop.stripe.v1.refunds.create({"payment_intent": intent.id})
        told = program.wait_for("charge.refunded").event["data"]["object"]
        assert refund.charge == told["id"]
        assert program.types == ["payment_intent.succeeded", "charge.refunded"]

        def received() -> bool:
            return shop.stripe.v1.events.retrieve(event.id).pending_webhooks == 0

        assert eventually(received)
        found = endpoints.list().data
        assert [each.id for each in found] == [endpoint.id]
        changed = endpoints.update(endpoint.id, {"enabled_events": ["*"], "disabled": True})
        assert (changed.status, changed.enabled_events) == ("disabled", ["*"])
        assert endpoints.retrieve(endpoint.id).metadata["part"] == "warehouse"
        assert endpoints.delete(endpoint.id).deleted


def test_events_that_did_not_arrive_are_found(shop: Shop) -> None:
    with LocalProgram(lambda _: (500, {}, b"broken")) as program:
        shop.stripe.v1.webhook_endpoints.create(
            {"url": program.url, "enabled_events": ["customer.created"]}
        )
        shop.stripe.v1.customers.create({"name": "Ada"})
        program.wait_for("customer.created")
        (lost,) = shop.stripe.v1.events.list({"delivery_success": False}).data
        assert (lost.type, lost.pending_webhooks) == ("customer.created", 1)
        assert shop.stripe.v1.events.list({"delivery_success": True}).data == []


def test_a_program_in_node_is_told_of_a_payment(sending: Served, tmp_path: Path) -> None:
    account, answers = sending.open_account(), tmp_path / "answers"
    done = subprocess.run(
        ["node", "listening.mjs"],
        cwd=SCRIPTS,
        env={
            **os.environ,
            "GUILDER_URL": sending.url,
            "SECRET_KEY": account.secret_key,
            "ANSWERS": str(answers),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for line in answers.read_text().splitlines():
        answer = json.loads(line)
        assert differences(**answer) == [], answer
