"""One attempt: the event as bytes, signed, sent, and what the answer means."""

from __future__ import annotations

import asyncio
import random

import structlog

from guilder_server.kernel.changes import GuardLost
from guilder_server.kernel.clock import Clock, unix
from guilder_server.kernel.errors import GuilderError, Unavailable
from guilder_server.webhooks.domain import delivery as rules
from guilder_server.webhooks.domain.delivery import Outcome
from guilder_server.webhooks.domain.endpoint import Endpoint
from guilder_server.webhooks.domain.replies import Reply
from guilder_server.webhooks.domain.signatures import signed_headers
from guilder_server.webhooks.flows.endpoints import Endpoints
from guilder_server.webhooks.ports import Due, Network, News, Settler, Target

log = structlog.get_logger(__name__)

_TRIES = 10
_PAUSE_S = 0.05


class Sending:
    """`agent` is what requests call their sender."""

    def __init__(
        self,
        news: News,
        network: Network,
        endpoints: Endpoints,
        settler: Settler,
        clock: Clock,
        agent: str,
    ) -> None:
        self._news, self._network = news, network
        self._endpoints, self._settler, self._clock = endpoints, settler, clock
        self._headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": agent,
        }

    async def reply(self, target: Target, due: Due) -> Reply | None:
        """What the listener says to it; None if the event is not kept any more. Raises
        Unavailable when it could not be read, and then it was not sent."""
        try:
            body = await self._news.body(target.tenant, due.event_id, due.pending)
        except Unavailable:
            raise
        except Exception:
            log.exception("event_not_read", delivery=due.id)
            return Reply(latency_ms=0, trouble="internal_error")
        return None if body is None else await self._post(target, due, body)

    async def _post(self, target: Target, due: Due, body: bytes) -> Reply:
        """Sends it, signed as of now."""
        tenant, endpoint, now = target.tenant, target.endpoint, self._clock.now()
        try:
            secrets = self._endpoints.secrets(tenant, endpoint, now)
            signed = signed_headers(secrets, due.event_id, unix(now), body)
            return await self._network.post(
                endpoint.url,
                {**self._headers, **signed},
                body,
                loopback=self._endpoints.loopback(tenant),
            )
        except Exception:
            # Whatever is wrong with this one, it is tried again later and not at once.
            log.exception("delivery_not_sent", delivery=due.id)
            return Reply(latency_ms=0, trouble="internal_error")

    def outcome(self, target: Target, due: Due, reply: Reply) -> Outcome:
        chance = random.random()  # noqa: S311 - it spreads attempts and hides nothing
        return rules.outcome(
            due.tries, reply, self._clock.now(), livemode=target.tenant.livemode, chance=chance
        )

    async def note(self, target: Target, reply: Reply) -> Endpoint | None:
        """What the reply says about the endpoint itself: how it is now, None if it is as it was."""
        tenant, id = target.tenant, target.endpoint.id
        for _ in range(_TRIES):
            try:
                step = await self._endpoints.note(tenant, id, taken=reply.success, gone=reply.gone)
                if step is None:
                    return None
                await self._settler.settle(tenant, step)
            except GuardLost:
                await asyncio.sleep(random.random() * _PAUSE_S)  # noqa: S311
            except GuilderError as error:
                log.warning("endpoint_not_noted", endpoint=id, error=str(error))
                return None
            else:
                return self._told(step.result)
        return None

    @staticmethod
    def _told(endpoint: object) -> Endpoint:
        assert isinstance(endpoint, Endpoint)
        if not endpoint.enabled:
            reason = endpoint.disabled_reason
            log.warning("webhook_endpoint_disabled", endpoint=endpoint.id, reason=reason)
        return endpoint
