"""Which word says why no answer came."""

from __future__ import annotations

import ssl

import structlog
from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientOSError,
    ClientPayloadError,
    ClientResponseError,
    InvalidURL,
    ServerDisconnectedError,
)

from guilder_server.webhooks.domain.replies import Trouble
from guilder_server.webhooks.infra.names import ForbiddenAddress

log = structlog.get_logger(__name__)

# The first that fits.
_TROUBLES: tuple[tuple[type[BaseException], Trouble], ...] = (
    (TimeoutError, "timeout"),
    (ForbiddenAddress, "forbidden_address"),
    (ClientConnectorDNSError, "name_not_found"),
    (ClientConnectorCertificateError, "tls_failed"),
    (ClientConnectorSSLError, "tls_failed"),
    (ClientConnectorError, "connection_failed"),
    (ServerDisconnectedError, "disconnected"),
    (ClientOSError, "disconnected"),
    (ClientResponseError, "not_http"),
    (ClientPayloadError, "not_http"),
    (InvalidURL, "forbidden_url"),
)


def trouble_of(error: Exception) -> Trouble:
    if isinstance(error, ClientConnectorError) and not isinstance(error, ClientConnectorDNSError):
        if isinstance(error.os_error, ConnectionRefusedError):
            return "connection_refused"
        if isinstance(error.os_error, TimeoutError):
            return "timeout"
    if isinstance(error.__cause__, ssl.SSLError):
        return "tls_failed"
    for kind, trouble in _TROUBLES:
        if isinstance(error, kind):
            return trouble
    log.error("webhook_attempt_broke", exc_info=error)
    return "internal_error"
