"""What is done at the desk, written to the audit trail of the account that it is done to."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from guilder_server.kernel.actor import Actor
from guilder_server.kernel.audit import AuditEntry
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.ids import Ids
from guilder_server.tenancy.domain.account import Account
from guilder_server.tenancy.domain.keys import IssuedKey
from guilder_server.tenancy.domain.organization import Organization
from guilder_server.tenancy.ports import Registry


class Recorder:
    """`actor` is who stands at the desk, `request_id` the request that brought them, if one did."""

    def __init__(
        self,
        registry: Registry,
        ids: Ids,
        clock: Clock,
        actor: Actor,
        request_id: str | None = None,
    ) -> None:
        self._registry, self._ids, self._clock = registry, ids, clock
        self.actor, self._request_id = actor, request_id

    def organization(self, action: str, made: Organization) -> None:
        """It is of no account, so this stands in the trail of whoever runs the server."""
        self._write(action, None, "organization", made.id, None, asdict(made))

    def account(self, action: str, before: Account | None, after: Account) -> None:
        old, new = None if before is None else asdict(before), asdict(after)
        self._write(action, after.id, "account", after.id, old, new)

    def key(self, action: str, before: IssuedKey | None, after: IssuedKey) -> None:
        """Never the key itself, of which nothing is here but its last four."""
        old = None if before is None else _key(before)
        self._write(
            action, after.record.tenant.account, "api_key", after.record.id, old, _key(after)
        )

    def _write(
        self,
        action: str,
        account: str | None,
        noun: str,
        id: str,
        old: dict[str, Any] | None,
        new: dict[str, Any],
    ) -> None:
        if old is None:
            before, after = None, {name: value for name, value in new.items() if value}
        else:
            names = [name for name in new if old[name] != new[name]]
            before = {name: old[name] for name in names}
            after = {name: new[name] for name in names}
        after.pop("id", None)
        after.pop("created", None)
        after.pop("version", None)
        self._registry.record(
            account,
            AuditEntry(
                id=self._ids.new("aud"),
                created=self._clock.now(),
                actor=self.actor,
                action=action,
                object=noun,
                object_id=id,
                before=before,
                after=after,
                request_id=self._request_id,
            ),
        )


def _key(key: IssuedKey) -> dict[str, Any]:
    record = key.record
    return {
        "kind": record.kind,
        "livemode": record.tenant.livemode,
        "last4": record.last4,
        "name": key.key.name,
        "allowed_addresses": list(record.allowed_addresses),
        "permissions": None if record.permissions is None else list(record.permissions),
        "expires_at": record.expires_at,
        "revoked_at": record.revoked_at,
        "replaced_by": key.key.replaced_by,
    }
