"""A second gateway for tests: a process of its own behind HTTP, slow and forgetful of replies
as asked, with a durable record of what it charged; and the adapter that Guilder reaches it by.
"""

from tests.support.http_gateway.adapter import HttpGateway
from tests.support.http_gateway.process import GatewayProcess

__all__ = ["GatewayProcess", "HttpGateway"]
