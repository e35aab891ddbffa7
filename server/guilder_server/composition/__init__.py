"""The parts of the application and what connects them: the only place that knows them all.

From the bottom up: what every capability stands on (`Ground`), the capabilities (`House`), and
how requests and jobs reach them (`Server`). `main.py` puts an HTTP server in front.
"""

from guilder_server.composition.answers import make_executor
from guilder_server.composition.ground import Ground
from guilder_server.composition.house import House, MakeGateways, sandbox_only
from guilder_server.composition.server import Server, assemble, compose

__all__ = [
    "Ground",
    "House",
    "MakeGateways",
    "Server",
    "assemble",
    "compose",
    "make_executor",
    "sandbox_only",
]
