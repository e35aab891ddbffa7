"""The operations on OAuth clients, and the tokens that let requests in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from guilder_server.http.auth import Credential, Keyring
from guilder_server.http.call import Call
from guilder_server.http.lists import list_query
from guilder_server.kernel.actor import Actor
from guilder_server.kernel.errors import Unauthenticated
from guilder_server.kernel.steps import Done, Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.oauth.domain.client import KIND, ShownClient
from guilder_server.oauth.domain.tokens import BadToken, Expired, looks_like_one
from guilder_server.oauth.flows.bearing import Bearers
from guilder_server.oauth.flows.clients import Clients
from guilder_server.tenancy import Holder

log = structlog.get_logger(__name__)

# Whoever calls, with what they hold.
Holders = Callable[[Tenant, Actor, frozenset[str] | None], Awaitable[Holder]]


class OauthClientsApi:
    def __init__(self, clients: Clients, holders: Holders) -> None:
        self._clients, self._holders = clients, holders

    async def create_oauth_client(self, call: Call) -> Done:
        return await self._clients.create(call.tenant, await self._holder(call), call.params)

    async def retrieve_oauth_client(self, call: Call) -> ShownClient:
        return await self._clients.retrieve(call.tenant, call.path[KIND])

    async def list_oauth_clients(self, call: Call) -> Page:
        return await self._clients.page(call.tenant, list_query(call))

    async def delete_oauth_client(self, call: Call) -> Done:
        return await self._clients.delete(call.tenant, call.path[KIND])

    async def roll_oauth_client_secret(self, call: Call) -> Done:
        overlap = timedelta(seconds=call.params.get("overlap_s", 86_400))
        holder = await self._holder(call)
        return await self._clients.roll(call.tenant, holder, call.path[KIND], overlap)

    async def _holder(self, call: Call) -> Holder:
        return await self._holders(call.tenant, call.actor, call.credential.permissions)


class KeysAndTokens:
    """A keyring that takes access tokens beside the keys of another one."""

    def __init__(self, keys: Keyring, bearers: Bearers) -> None:
        self._keys, self._bearers = keys, bearers

    async def find(self, token: str) -> Credential | None:
        if not looks_like_one(token):
            return await self._keys.find(token)
        try:
            bearer = await self._bearers.find(token)
        except Expired:
            raise Unauthenticated(
                "This access token has expired. Ask for a new one.", code="access_token_expired"
            ) from None
        except BadToken as bad:
            log.warning("access_token_refused", reason=str(bad))
            await self._bearers.refused(token, str(bad))
            raise Unauthenticated(
                "This access token is not good here: it was not made by this server, or what it "
                "stands for is no longer there.",
                code="access_token_invalid",
            ) from None
        return Credential(
            bearer.tenant, "oauth_client", bearer.client, bearer.permissions, plan=bearer.plan
        )
