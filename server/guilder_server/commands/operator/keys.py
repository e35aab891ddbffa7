"""`guilder keys`: make API keys, see those there are, and take them back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
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
    from guilder_server.tenancy import IssuedKey, KeyKind, NewKey

_KEEP_IT = "It is shown this once, and cannot be shown again: keep it where secrets are kept."
_SUSPENDED = "Its account is suspended: the key is let in once the account is resumed."
_ONLY_LIVE = "This is a live mode key: a server takes it only where GUILDER_MODE=live is set{here}."


def create(
    settings: Settings,
    data_dir: Path | None,
    *,
    account: str,
    livemode: bool,
    kind: KeyKind,
    permissions: Sequence[str],
    name: str | None,
    expires_in: timedelta | None,
    allow: Sequence[str],
    json: bool,
) -> int:
    with opened(settings, data_dir, "keys create", makes_keys=True) as desk:
        made = desk.keys.create(
            account,
            livemode=livemode,
            kind=kind,
            permissions=permissions,
            name=name,
            expires_in=expires_in,
            allowed_addresses=allow,
        )
    notes = _notes(made, settings)
    if json:
        show_document(_document(made.key) | {"key": made.token, "notes": notes})
    else:
        _show_new(made, notes)
    return 0


def show_all(settings: Settings, data_dir: Path | None, *, account: str | None, json: bool) -> int:
    with opened(settings, data_dir, "keys list") as desk:
        keys = desk.keys.all(account)
    if json:
        show_list([_document(key) for key in keys])
    elif keys:
        show_table(
            (
                "ID",
                "ACCOUNT",
                "KIND",
                "MODE",
                "KEY",
                "CREATED",
                "BY",
                "LAST USED",
                "STATUS",
                "FROM",
                "NAME",
            ),
            [
                (
                    key.id,
                    key.tenant.account,
                    key.key.kind,
                    _mode(key),
                    key.record.shown(),
                    shown(key.key.created),
                    _creator(key),
                    "never" if key.last_used_at is None else shown(key.last_used_at),
                    _standing(key),
                    ",".join(key.key.allowed_addresses) or "anywhere",
                    key.key.name,
                )
                for key in keys
            ],
        )
    else:
        print(
            "There is no key yet. Make one: guilder keys create "
            f"--account {account or 'ACCOUNT'} --mode test --kind secret{beside(data_dir)}"
        )
    return 0


def roll(
    settings: Settings, data_dir: Path | None, id: str, *, overlap: timedelta, json: bool
) -> int:
    with opened(settings, data_dir, "keys roll", makes_keys=True) as desk:
        made, old = desk.keys.roll(id, overlap)
    notes = _notes(made, settings)
    if json:
        fresh = {"key": made.token, "notes": notes, "replaces": _document(old)}
        show_document(_document(made.key) | fresh)
        return 0
    _show_new(made, notes)
    assert old.key.expires_at is not None
    if overlap:
        print(f"The old one, {id}, is let in until {shown(old.key.expires_at)}.")
    else:
        print(f"The old one, {id}, is refused within 5 seconds.")
    return 0


def revoke(settings: Settings, data_dir: Path | None, id: str, *, json: bool) -> int:
    with opened(settings, data_dir, "keys revoke") as desk:
        key = desk.keys.revoke(id)
    if json:
        show_document(_document(key))
    else:
        print(f"{key.id} ({key.record.shown()}) is revoked: refused within 5 seconds, for good.")
    return 0


def _show_new(made: NewKey, notes: Sequence[str]) -> None:
    print(f"{made.token}\n\n{_KEEP_IT}")
    print(f"Its id, to roll or to revoke it: {made.key.id}")
    if made.key.key.expires_at is not None:
        print(f"It expires at {shown(made.key.key.expires_at)}.")
    for note in notes:
        print(note)


def _notes(made: NewKey, settings: Settings) -> list[str]:
    """What may surprise whoever uses the key."""
    record = made.key.record
    notes = [_SUSPENDED] if record.account_status == "suspended" else []
    if record.tenant.livemode:
        here = "" if settings.livemode_allowed else ", which it is not here"
        notes.append(_ONLY_LIVE.format(here=here))
    return notes


def _document(issued: IssuedKey) -> dict[str, Any]:
    key = issued.key
    by = {"id": key.created_by_id, "type": key.created_by_type}
    return {
        "id": key.id,
        "object": "api_key",
        "account": issued.tenant.account,
        "account_status": issued.account_status,
        "mode": _mode(issued),
        "kind": key.kind,
        "permissions": None if key.permissions is None else list(key.permissions),
        "allowed_addresses": list(key.allowed_addresses),
        "name": key.name,
        "last4": key.last4,
        "status": key.status(datetime.now(UTC)),
        "created": unix(key.created),
        "created_by": None if key.created_by_id is None else by,
        "last_used_at": unix(issued.last_used_at),
        "expires_at": unix(key.expires_at),
        "revoked_at": unix(key.revoked_at),
        "replaced_by": key.replaced_by,
    }


def _creator(issued: IssuedKey) -> str | None:
    """Who made it; that whoever runs the server did so says enough."""
    key = issued.key
    return "operator" if key.created_by_type == "operator" else key.created_by_id


def _mode(key: IssuedKey) -> str:
    return "live" if key.tenant.livemode else "test"


def _standing(key: IssuedKey) -> str:
    """The status, as far as the key goes: its account may be suspended or closed."""
    status, ends = key.key.status(datetime.now(UTC)), key.key.expires_at
    if status != "active":
        return status
    if key.account_status != "active":
        return f"account {key.account_status}"
    return "active" if ends is None else f"until {shown(ends)}"
