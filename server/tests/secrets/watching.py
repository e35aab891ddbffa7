"""A server all of whose words can be looked through, and the secrets that are planted in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from guilder_server.tenancy.bootstrap import DevAccount
from guilder_server.tenancy.domain import keys
from tests.support.leaks import leaks, lines, redis_values, rows
from tests.support.processes import eventually
from tests.support.served import Served
from tests.support.world import World

CARD = "378282246310005"
CARD_WITH_BLANKS = "3782 822463 10005"
CVC = "0793"
PASSWORD = "correct-horse-canary"
TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"
INVENTED = keys.new_key("secret", livemode=False)
RAW_CARD = {"number": CARD, "cvc": CVC, "exp_month": 12, "exp_year": 2040}
OPERATOR_KEY = "an operator's key that is a canary of the tests"
# What tells of requests and changes, and may not even have what their objects have.
_TOLD = ("request_logs.", "audit_")


@dataclass(frozen=True)
class Watched:
    """`secrets` are those that the server has handed out; a test adds what it was given."""

    served: Served
    redis_url: str
    world: World
    secrets: set[str] = field(default_factory=set)

    @property
    def account(self) -> DevAccount:
        return self.world.api.account

    def found(self) -> list[str]:
        """Which secret is where, once everything is written down that was done."""
        self._settled()
        secrets = [CARD, CARD_WITH_BLANKS, f'"{CVC}"', PASSWORD, TOKEN, INVENTED, OPERATOR_KEY]
        secrets += [self.account.secret_key, self.account.publishable_key, *self.secrets]
        # An intent has its own; nobody else does.
        ends = [one.partition("_secret_")[2] for one in self.world.client_secrets.values()]
        kept = list(rows(self.served.database_url))
        told = (one for one in kept if one[0].startswith(_TOLD))
        return [
            *leaks(secrets, kept),
            *leaks(ends, told),
            *leaks([*secrets, *ends], redis_values(self.redis_url)),
            *leaks([*secrets, *ends], lines(self.served.log)),
        ]

    def _settled(self) -> None:
        """The log of requests is written behind them, in their order."""
        api = self.world.api
        last = api.get("/v1/account").headers["request-id"]
        assert eventually(lambda: api.get(f"/v1/request_logs/{last}").status == 200, 60)
