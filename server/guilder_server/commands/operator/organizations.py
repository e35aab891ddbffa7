"""`guilder organizations`: whoever accounts belong to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from guilder_server.commands.operator.books import opened
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
    from guilder_server.tenancy import Organization


def create(settings: Settings, data_dir: Path | None, *, name: str, json: bool) -> int:
    with opened(settings, data_dir, "organizations create") as desk:
        organization = desk.accounts.create_organization(name=name)
    if json:
        show_document(_document(organization))
        return 0
    print(
        f"{organization.id} is there: {organization.name}.\n"
        f"Open its first account: guilder accounts create --organization {organization.id}"
        f"{beside(data_dir)}"
    )
    return 0


def show_all(settings: Settings, data_dir: Path | None, *, json: bool) -> int:
    with opened(settings, data_dir, "organizations list") as desk:
        found = desk.accounts.organizations()
    if json:
        show_list([_document(one) for one in found])
    elif found:
        show_table(
            ("ORGANIZATION", "CREATED", "NAME"),
            [(one.id, shown(one.created), one.name) for one in found],
        )
    else:
        print(
            "There is no organization yet. Make one: guilder organizations create --name "
            f"NAME{beside(data_dir)}"
        )
    return 0


def _document(organization: Organization) -> dict[str, Any]:
    return {
        "id": organization.id,
        "object": "organization",
        "name": organization.name,
        "metadata": organization.metadata,
        "created": unix(organization.created),
    }
