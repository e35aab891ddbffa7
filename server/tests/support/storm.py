"""Many requests at the same moment, each on a connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, local
from typing import Any

import psycopg

from guilder_server.ledger.verification import PROOFS
from tests.support.api import Answer, Api
from tests.support.served import Served

CLIENTS = 32


class Storm:
    """An account, and a crowd of its clients. Every answer is held to the contract."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.account = served.open_account()
        self.api = served.api(self.account)
        self._own = local()
        self._clients: list[Api] = []
        self._threads = ThreadPoolExecutor(2 * CLIENTS)

    def at_once(self, *wishes: Callable[[Api], Answer]) -> list[Answer]:
        """All of them, started together; their answers in the same order."""
        together = Barrier(len(wishes))

        def carry_out(wish: Callable[[Api], Answer]) -> Answer:
            client = self._client()
            together.wait(20)
            return wish(client)

        return list(self._threads.map(carry_out, wishes))

    def crowd(self, wish: Callable[[Api, int], Answer], clients: int = CLIENTS) -> list[Answer]:
        """The same wish by each of many, who know their number."""
        return self.at_once(*[lambda api, n=n: wish(api, n) for n in range(clients)])

    def ledger_differences(self) -> list[Any]:
        with psycopg.connect(self.served.database_url) as connection:
            found = [connection.execute(proof.differences).fetchone() for proof in PROOFS]
        return [difference for difference in found if difference is not None]

    def close(self) -> None:
        self._threads.shutdown()
        for client in [*self._clients, self.api]:
            client.close()

    def _client(self) -> Api:
        client: Api | None = getattr(self._own, "client", None)
        if client is None:
            client = self._own.client = self.served.api(self.account)
            self._clients.append(client)
            client.get("/v1/balance")  # so that the connection stands
        return client


def succeeded(answers: Sequence[Answer]) -> list[Answer]:
    return [answer for answer in answers if answer.status == 200]
