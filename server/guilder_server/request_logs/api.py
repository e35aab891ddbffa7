"""The operations on the request log."""

from __future__ import annotations

from guilder_server.http.call import Call
from guilder_server.http.lists import list_query
from guilder_server.kernel.steps import Page
from guilder_server.request_logs.domain.entry import RequestLog, Wanted
from guilder_server.request_logs.flows import RequestLogs

_FILTERS = {
    "actor": "actor_id",
    "idempotency_key": "idempotency_key",
    "method": "method",
    "path": "path",
    "status": "status",
}


class RequestLogsApi:
    def __init__(self, logs: RequestLogs) -> None:
        self._logs = logs

    async def list_request_logs(self, call: Call) -> Page:
        asked = {name: call.params[word] for word, name in _FILTERS.items() if word in call.params}
        return await self._logs.page(call.tenant, list_query(call), Wanted(**asked))

    async def retrieve_request_log(self, call: Call) -> RequestLog:
        return await self._logs.retrieve(call.tenant, call.path["request_log"])
