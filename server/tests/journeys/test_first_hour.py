"""The first hour of a stranger: one command, a payment, a refund, a kill, every cent there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import stripe

from guilder_server.tenancy.bootstrap import DevAccount
from tests.support.official import Shop
from tests.support.servers import RunningCommand, run_guilder


def shop_of(described: dict[str, Any]) -> Shop:
    account = DevAccount(
        described["account"], 0, described["secret_key"], described["publishable_key"]
    )
    return Shop(described["api_base"], account)


def test_a_payment_and_a_refund_survive_kill_9(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    arguments = ["dev", "--port", "0", "--data-dir", str(folder)]
    with RunningCommand(arguments) as dev:
        shop = shop_of(dev.wait_for(folder / "dev.json"))
        intent = shop.pay(2000, currency="eur")
        refund = shop.stripe.v1.refunds.create({"payment_intent": intent.id, "amount": 500})
        account = shop.stripe.v1.accounts.retrieve_current()
        dev.kill()
    (folder / "dev.json").unlink()

    with RunningCommand(arguments) as dev:
        shop = shop_of(dev.wait_for(folder / "dev.json"))
        client = shop.stripe.v1
        assert client.accounts.retrieve_current().id == account.id
        found = client.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
        assert found.status == "succeeded"
        assert isinstance(found.latest_charge, stripe.Charge)
        assert found.latest_charge.amount_refunded == 500
        assert client.refunds.retrieve(refund.id).status == "succeeded"
        pending = {each.currency: each.amount for each in client.balance.retrieve().pending}
        assert pending["eur"] == 2000 - 88 - 500
        verified = run_guilder("ledger", "verify", "--data-dir", str(folder))
        assert verified.returncode == 0, verified.stderr
        assert "eur:" in verified.stdout
        assert dev.stop() == 0
