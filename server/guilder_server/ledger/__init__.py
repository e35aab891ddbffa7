"""The door of the ledger: the movements that other capabilities post."""

from guilder_server.ledger.domain import chart, movements
from guilder_server.ledger.domain.balance import Balance, BalanceTransaction

__all__ = ["Balance", "BalanceTransaction", "chart", "movements"]
