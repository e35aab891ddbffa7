"""What a handler is called with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from guilder_server.http.auth import Credential
from guilder_server.http.operation import Operation
from guilder_server.kernel.actor import Actor
from guilder_server.kernel.tenant import Tenant


@dataclass(frozen=True, slots=True)
class Call:
    """A request that has been authorized and validated.

    `params` hold what was sent, in the types of the contract, without `expand`: a name that is
    absent was not sent, an empty string unsets. A handler may be called again with the same
    Call when another request was faster, so it must leave the parameters as they are. `address` is
    the IP address that it came from.
    """

    tenant: Tenant
    operation: Operation
    params: dict[str, Any]
    path: dict[str, str]
    expand: tuple[str, ...]
    credential: Credential
    request_id: str
    idempotency_key: str | None = None
    address: str | None = None

    @property
    def actor(self) -> Actor:
        return Actor(self.credential.actor_kind, self.credential.id, self.address)

    @property
    def url(self) -> str:
        """The path that was called, which lists repeat."""
        return self.operation.url(self.path)

    def recovery(self) -> dict[str, Any]:
        """All that it takes to answer this request once its process is gone; plain JSON, kept
        with an attempt at a gateway and handed to `Executor.settle`."""
        return {
            "key": self.idempotency_key,
            "fence": self.request_id,
            "expand": list(self.expand),
            "operation": self.operation.id,
            "path": self.path,
            "request_id": self.request_id,
        }


Handler: TypeAlias = Callable[[Call], Awaitable[object]]
