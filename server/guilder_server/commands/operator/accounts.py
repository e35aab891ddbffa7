"""`guilder accounts`: open an account, see those there are, decide whether they are let in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from guilder_server.commands.operator.books import opened
from guilder_server.commands.operator.plans import require_plan
from guilder_server.commands.operator.showing import (
    beside,
    show_document,
    show_list,
    show_table,
    shown,
    unix,
)
from guilder_server.settings import Settings

if TYPE_CHECKING:
    from guilder_server.tenancy import Account

Act = Literal["suspend", "resume", "close"]

_SAID: dict[str, str] = {
    "suspend": (
        "{id} is suspended. Within 5 seconds its keys are answered 403 account_suspended; its data "
        "stays.\nLet it in again: guilder accounts resume {id}{beside}"
    ),
    "resume": "{id} is active. Within 5 seconds its keys are let in.",
    "close": (
        "{id} is closed, for good. Within 5 seconds its keys are answered 403 account_closed; its "
        "data stays."
    ),
}


def create(
    settings: Settings,
    data_dir: Path | None,
    *,
    name: str | None,
    country: str,
    currency: str,
    email: str | None,
    organization: str | None,
    plan: str | None,
    json: bool,
) -> int:
    require_plan(settings, plan)
    with opened(settings, data_dir, "accounts create") as desk:
        account = desk.accounts.create(
            organization=organization,
            name=name,
            country=country,
            currency=currency,
            email=email,
            plan=plan,
        )
    if json:
        show_document(_document(account))
        return 0
    print(
        f"{account.id} is open: {account.name or 'without a name'}, {account.country}, "
        f"{account.default_currency}.\n"
        f"Make its first key: guilder keys create --account {account.id} --mode test "
        f"--kind secret{beside(data_dir)}"
    )
    return 0


def show_all(settings: Settings, data_dir: Path | None, *, json: bool) -> int:
    with opened(settings, data_dir, "accounts list") as desk:
        accounts = desk.accounts.all()
    if json:
        show_list([_document(account) for account in accounts])
    elif accounts:
        show_table(
            (
                *("ACCOUNT", "ORGANIZATION", "STATUS", "PLAN", "COUNTRY", "CURRENCY", "CREATED"),
                *("NAME", "EMAIL"),
            ),
            [
                (
                    account.id,
                    account.organization_id,
                    account.status,
                    account.plan,
                    account.country,
                    account.default_currency,
                    shown(account.created),
                    account.name,
                    account.email,
                )
                for account in accounts
            ],
        )
    else:
        print(
            "There is no account yet. Open one: guilder accounts create --name "
            f"NAME{beside(data_dir)}"
        )
    return 0


def change(settings: Settings, data_dir: Path | None, act: Act, id: str, *, json: bool) -> int:
    with opened(settings, data_dir, f"accounts {act}") as desk:
        match act:
            case "suspend":
                account = desk.accounts.suspend(id)
            case "resume":
                account = desk.accounts.resume(id)
            case "close":
                account = desk.accounts.close(id)
    if json:
        show_document(_document(account))
    else:
        print(_SAID[act].format(id=account.id, beside=beside(data_dir)))
    return 0


def put_on_plan(
    settings: Settings, data_dir: Path | None, id: str, plan: str, *, json: bool
) -> int:
    require_plan(settings, plan)
    with opened(settings, data_dir, "accounts plan") as desk:
        account = desk.accounts.put_on_plan(id, plan)
    if json:
        show_document(_document(account))
    else:
        print(f"{account.id} is on the plan {plan}, within 5 seconds in every process.")
    return 0


def _document(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "object": "account",
        "organization": account.organization_id,
        "plan": account.plan,
        "status": account.status,
        "name": account.name,
        "email": account.email,
        "country": account.country,
        "default_currency": account.default_currency,
        "created": unix(account.created),
    }
