"""The operations on webhook endpoints, deliveries and replays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from guilder_server.http.call import Call
from guilder_server.http.lists import list_query
from guilder_server.kernel.steps import Done, Page
from guilder_server.webhooks.domain.delivery import Delivery
from guilder_server.webhooks.domain.endpoint import Endpoint
from guilder_server.webhooks.domain.replay import Replay
from guilder_server.webhooks.flows.deliveries import Deliveries
from guilder_server.webhooks.flows.endpoints import Endpoints


class WebhookEndpointsApi:
    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    async def create_webhook_endpoint(self, call: Call) -> Done:
        return await self._endpoints.create(call.tenant, call.params)

    async def retrieve_webhook_endpoint(self, call: Call) -> Endpoint:
        return await self._endpoints.retrieve(call.tenant, call.path["webhook_endpoint"])

    async def list_webhook_endpoints(self, call: Call) -> Page:
        return await self._endpoints.page(call.tenant, list_query(call))

    async def update_webhook_endpoint(self, call: Call) -> Done:
        return await self._endpoints.update(call.tenant, call.path["webhook_endpoint"], call.params)

    async def delete_webhook_endpoint(self, call: Call) -> Done:
        return await self._endpoints.delete(call.tenant, call.path["webhook_endpoint"])

    async def roll_webhook_endpoint_secret(self, call: Call) -> Done:
        overlap = timedelta(seconds=call.params.get("overlap_s", 86_400))
        return await self._endpoints.roll(call.tenant, call.path["webhook_endpoint"], overlap)

    async def test_webhook_endpoint(self, call: Call) -> Done:
        return await self._endpoints.test(call.tenant, call.path["webhook_endpoint"])


class WebhookDeliveriesApi:
    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries

    async def retrieve_webhook_delivery(self, call: Call) -> Delivery:
        return await self._deliveries.retrieve(call.tenant, call.path["delivery"])

    async def list_webhook_endpoint_deliveries(self, call: Call) -> Page:
        endpoint, status = call.path["webhook_endpoint"], call.params.get("status")
        return await self._deliveries.to_endpoint(call.tenant, endpoint, list_query(call), status)

    async def list_event_deliveries(self, call: Call) -> Page:
        return await self._deliveries.of_event(call.tenant, call.path["id"], list_query(call))

    async def retry_event(self, call: Call) -> Done:
        endpoint = call.params["webhook_endpoint"]
        return await self._deliveries.retry(call.tenant, call.path["id"], endpoint)

    async def create_webhook_replay(self, call: Call) -> Done:
        params = call.params
        until = _instant(params["until"]) if "until" in params else None
        return await self._deliveries.start_replay(
            call.tenant,
            call.path["webhook_endpoint"],
            _instant(params["since"]),
            until,
            only_failed=params.get("only_failed", False),
        )

    async def retrieve_webhook_replay(self, call: Call) -> Replay:
        path = call.path
        return await self._deliveries.replay(call.tenant, path["webhook_endpoint"], path["replay"])

    async def list_webhook_replays(self, call: Call) -> Page:
        endpoint = call.path["webhook_endpoint"]
        return await self._deliveries.replays(call.tenant, endpoint, list_query(call))


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
