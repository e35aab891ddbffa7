"""Guilder with the gateway behind HTTP: `python -m tests.support.http_gateway.serving`.

It reads the settings of `guilder serve`, and the gateway's address from HTTP_GATEWAY_URL.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from guilder_server.commands.server import address_of, known_as, listen, serve_here
from guilder_server.gateways import Gateway
from guilder_server.kernel.clock import Clock
from guilder_server.main import create_app
from guilder_server.settings import Settings, read_settings
from tests.support.http_gateway.adapter import HttpGateway


def http_only(settings: Settings, clock: Clock) -> Sequence[Gateway]:
    key = settings.fingerprint_key.encode()
    return [HttpGateway(os.environ["HTTP_GATEWAY_URL"], key, clock)]


def main() -> int:
    settings = read_settings()
    with listen(settings.host, settings.port) as listener:
        settings = known_as(settings, address_of(listener))
        app = create_app(settings, make_gateways=http_only)
        served = serve_here(app, listener, settings, lambda: None, lambda: None)
    return 0 if served else 1


if __name__ == "__main__":
    sys.exit(main())
