"""The door of wallets: what payments and payouts may do with them."""

from guilder_server.wallets.domain.hold import Hold
from guilder_server.wallets.domain.top_up import TopUp
from guilder_server.wallets.domain.wallet import (
    Purse,
    Wallet,
    refuse_closed,
    refuse_currency,
    refuse_unfit,
)
from guilder_server.wallets.flows.paying import Brought, Wallets
from guilder_server.wallets.flows.posting import Cause

__all__ = [
    "Brought",
    "Cause",
    "Hold",
    "Purse",
    "TopUp",
    "Wallet",
    "Wallets",
    "refuse_closed",
    "refuse_currency",
    "refuse_unfit",
]
