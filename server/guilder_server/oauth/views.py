"""OAuth clients as the wire shows them."""

from __future__ import annotations

from datetime import datetime

from guilder_server import wire
from guilder_server.kernel.clock import unix
from guilder_server.kernel.tenant import Tenant
from guilder_server.oauth.domain.client import ShownClient
from guilder_server.tenancy import creator


def view_client(shown: ShownClient, tenant: Tenant) -> wire.OauthClient:
    client = shown.client
    view: wire.OauthClient = {
        "id": client.id,
        "object": "oauth_client",
        "authentication": client.authentication,
        "certificate_identity": client.certificate_identity,
        "created": unix(client.created),
        "created_by": creator(client.created_by_type, client.created_by_id),
        "last_used_at": _maybe(shown.last_used_at),
        "livemode": tenant.livemode,
        "name": client.name,
        "previous_secret_expires_at": _maybe(client.former_secret_until),
        "public_keys": list(client.public_keys),
        "scopes": list(client.scopes),
        "secret_last4": client.secret_last4,
    }
    if shown.secret is not None:
        view["secret"] = shown.secret
    return view


def _maybe(instant: datetime | None) -> int | None:
    return None if instant is None else unix(instant)
