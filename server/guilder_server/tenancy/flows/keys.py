"""Making keys, and taking them back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from guilder_server.kernel.actor import Actor
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import InvalidRequest, NotFound, Refused
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.tenant import Tenant
from guilder_server.tenancy.domain import keys, wishes
from guilder_server.tenancy.domain.account import Account
from guilder_server.tenancy.domain.keys import IssuedKey, KeyKind, KeyRecord, NewKey
from guilder_server.tenancy.flows.recording import Recorder
from guilder_server.tenancy.ports import Registry


class KeyDesk:
    """The keys, for whoever runs the server. `declared` are the permissions that there are."""

    def __init__(
        self,
        registry: Registry,
        pepper: bytes,
        declared: Collection[str],
        ids: Ids,
        clock: Clock,
        actor: Actor,
    ) -> None:
        self._registry = registry
        self._recorder = Recorder(registry, ids, clock, actor)
        self._pepper = pepper
        self._declared = declared
        self._ids = ids
        self._clock = clock

    def create(
        self,
        account: str,
        *,
        livemode: bool,
        kind: KeyKind,
        permissions: Sequence[str] = (),
        name: str | None = None,
        expires_in: timedelta | None = None,
    ) -> NewKey:
        allowed = wishes.permissions(kind, permissions, self._declared)
        name = wishes.name(name)
        ends = wishes.end(self._clock.now(), expires_in)
        holder = self._open_account(account)
        tenant = self._registry.tenant(account, livemode)
        token = keys.new_key(kind, livemode)
        return self._issue(token, holder, tenant, permissions=allowed, name=name, expires_at=ends)

    def adopt(self, account: str, livemode: bool, token: str) -> IssuedKey:
        """Let a key in that was made elsewhere, in clear. One of another tenant, or of the other
        mode, must not seem to be this one's."""
        if not keys.well_formed(token) or keys.livemode_of(token) != livemode:
            raise ValueError(f"not a key of this mode: {token[:11]}…")
        holder = self._open_account(account)
        tenant = self._registry.tenant(account, livemode)
        known = self.known(token)
        if known is None:
            return self._issue(token, holder, tenant).key
        if known.record.tenant != tenant:
            raise ValueError(f"the key {token[:11]}… belongs to another account")
        return known

    def known(self, token: str) -> IssuedKey | None:
        """The record of a key in clear."""
        return self._registry.key_of(keys.digest(self._pepper, token))

    def all(self, account: str | None = None) -> Sequence[IssuedKey]:
        """Oldest first."""
        if account is not None and self._registry.account(account) is None:
            raise NotFound("account", account)
        return self._registry.keys(account)

    def roll(self, id: str, overlap: timedelta) -> tuple[NewKey, IssuedKey]:
        """A new key like this one, and this one with the moment at which it ends.

        The new key lives as long as this one was made for. A key is rolled once: whoever has lost
        the new key rolls that one.
        """
        overlap = wishes.overlap(overlap)
        old = self._found(id)
        record, now = old.record, self._clock.now()
        status = old.status(now)
        if status != "active":
            raise Refused("status_transition_invalid", f"The API key {id} is {status} already.")
        if old.replaced_by is not None:
            raise Refused(
                "status_transition_invalid",
                f"The API key {id} was rolled already, to {old.replaced_by}: roll that one.",
            )
        new = self._issue(
            keys.new_key(record.kind, record.tenant.livemode),
            self._open_account(record.tenant.account),
            record.tenant,
            permissions=record.permissions,
            name=old.name,
            expires_at=wishes.end(now, old.lifetime()),
        )
        ends = now + overlap
        if record.expires_at is not None:
            ends = min(ends, record.expires_at)
        ending = replace(old, record=replace(record, expires_at=ends), replaced_by=new.key.id)
        self._registry.change_key(ending)
        self._recorder.key("roll_api_key", old, ending)
        return new, ending

    def revoke(self, id: str) -> IssuedKey:
        """For good. A key that is revoked already stays revoked since then."""
        key = self._found(id)
        if key.record.revoked_at is not None:
            return key
        revoked = replace(key, record=replace(key.record, revoked_at=self._clock.now()))
        self._registry.change_key(revoked)
        self._recorder.key("revoke_api_key", key, revoked)
        return revoked

    def _issue(
        self,
        token: str,
        account: Account,
        tenant: Tenant,
        *,
        permissions: tuple[str, ...] | None = None,
        name: str | None = None,
        expires_at: datetime | None = None,
    ) -> NewKey:
        record = KeyRecord(
            id=self._ids.new("key"),
            tenant=tenant,
            kind=keys.kind_of(token),
            last4=token[-4:],
            expires_at=expires_at,
            revoked_at=None,
            permissions=permissions,
            account_status=account.status,
        )
        key = IssuedKey(record, self._clock.now(), name)
        if not self._registry.add_key(keys.digest(self._pepper, token), key):
            raise ValueError(f"the key {token[:11]}… is there already")
        self._recorder.key("create_api_key", None, key)
        return NewKey(token, key)

    def _found(self, id: str) -> IssuedKey:
        if keys.well_formed(id):
            # It must not be repeated in an error.
            raise InvalidRequest(
                "parameter_invalid", "Name a key by its id, key_…, and not by the key itself.", "id"
            )
        key = self._registry.key(id)
        if key is None:
            raise NotFound("API key", id)
        return key

    def _open_account(self, id: str) -> Account:
        account = self._registry.account(id)
        if account is None:
            raise NotFound("account", id)
        if account.status == "closed":
            raise Refused("status_transition_invalid", f"The account {id} is closed, for good.")
        return account
