"""What httpx raises, as the words that deliveries use and as a person reads them."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpx

from guilder_server.webhooks.domain.replies import Trouble

IN_WORDS: dict[Trouble, str] = {
    "timeout": "no answer in time",
    "name_not_found": "the name is not known",
    "forbidden_address": "the address is not allowed",
    "connection_refused": "nothing listens there",
    "connection_failed": "no connection",
    "disconnected": "it hung up without an answer",
    "tls_failed": "TLS failed",
    "not_http": "what answers does not speak HTTP",
}


def trouble_of(error: Exception) -> Trouble:
    if isinstance(error, (httpx.TimeoutException, TimeoutError)):
        return "timeout"
    causes = list(_causes(error))
    for kind, trouble in _BY_CAUSE:
        if any(isinstance(cause, kind) for cause in causes):
            return trouble
    if isinstance(error, (httpx.ConnectError, httpx.ProxyError)):
        return "connection_failed"
    if isinstance(error, httpx.ProtocolError):
        return "disconnected" if "disconnected" in str(error) else "not_http"
    return "disconnected"


_BY_CAUSE: tuple[tuple[type[BaseException], Trouble], ...] = (
    (socket.gaierror, "name_not_found"),
    (ConnectionRefusedError, "connection_refused"),
    (ssl.SSLError, "tls_failed"),
)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """`error` and what led to it: one cause after the other, or several side by side where a name
    has several addresses."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from _causes(each)
        error = error.__cause__ or error.__context__
