"""Making keys, and taking them back, for whoever runs the server."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import NotFound, Refused
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.tenant import Tenant
from guilder_server.tenancy.domain import addresses, issuing, keys, wishes
from guilder_server.tenancy.domain.account import Account
from guilder_server.tenancy.domain.issuing import Wish
from guilder_server.tenancy.domain.keys import ApiKey, IssuedKey, KeyKind, NewKey
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
        recorder: Recorder,
    ) -> None:
        self._registry = registry
        self._recorder = recorder
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
        allowed_addresses: Sequence[str] = (),
    ) -> NewKey:
        now = self._clock.now()
        wish = Wish(
            kind,
            wishes.permissions(kind, permissions, self._declared),
            wishes.name(name),
            addresses.allowed(allowed_addresses),
            wishes.end(now, expires_in),
        )
        holder = self._open_account(account)
        tenant = self._registry.tenant(account, livemode)
        return self._issue(keys.new_key(kind, livemode), holder, tenant, wish, now)

    def adopt(self, account: str, livemode: bool, token: str) -> IssuedKey:
        """Let a key in that was made elsewhere, in clear. One of another tenant, or of the other
        mode, must not seem to be this one's."""
        if not keys.well_formed(token) or keys.livemode_of(token) != livemode:
            raise ValueError(f"not a key of this mode: {token[:11]}…")
        holder = self._open_account(account)
        tenant = self._registry.tenant(account, livemode)
        known = self.known(token)
        if known is None:
            wish, now = Wish(keys.kind_of(token)), self._clock.now()
            return self._issue(token, holder, tenant, wish, now).key
        if known.tenant != tenant:
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
        """A new key like this one, and this one with the moment at which it ends."""
        overlap = wishes.overlap(overlap)
        old = self._found(id)
        now = self._clock.now()
        wish = issuing.again(old.key, now)
        holder = self._open_account(old.tenant.account)
        token = keys.new_key(wish.kind, old.tenant.livemode)
        new = self._issue(token, holder, old.tenant, wish, now)
        ending = issuing.ending(old.key, new.key.id, overlap, now)
        return new, self._keep("roll_api_key", old, ending)

    def revoke(self, id: str) -> IssuedKey:
        key = self._found(id)
        revoked = issuing.revoked(key.key, self._clock.now())
        return key if revoked == key.key else self._keep("revoke_api_key", key, revoked)

    def _keep(self, action: str, before: IssuedKey, after: ApiKey) -> IssuedKey:
        # Whoever has read it over HTTP meanwhile reads it again.
        changed = replace(before, key=replace(after, version=before.key.version + 1))
        self._registry.change_key(changed)
        self._recorder.key(action, before, changed)
        return changed

    def _issue(
        self, token: str, account: Account, tenant: Tenant, wish: Wish, now: datetime
    ) -> NewKey:
        made = issuing.issued(
            self._ids.new("key"), token, self._pepper, wish, self._recorder.actor, now
        )
        key = IssuedKey(made, tenant, account.status)
        if not self._registry.add_key(key):
            raise ValueError(f"the key {token[:11]}… is there already")
        self._recorder.key("create_api_key", None, key)
        return NewKey(token, key)

    def _found(self, id: str) -> IssuedKey:
        issuing.require_id(id)
        key = self._registry.key(id)
        if key is None:
            raise NotFound(issuing.NOUN, id)
        return key

    def _open_account(self, id: str) -> Account:
        account = self._registry.account(id)
        if account is None:
            raise NotFound("account", id)
        if account.status == "closed":
            raise Refused("status_transition_invalid", f"The account {id} is closed, for good.")
        return account
