"""`guilder ledger verify`: proves, from the rows alone, that no cent is lost or invented, and that
nothing that was committed has been altered since."""

from guilder_server.ledger.verification.arithmetic import PROOFS as _ARITHMETIC
from guilder_server.ledger.verification.payments import PROOFS as _PAYMENTS
from guilder_server.ledger.verification.payouts import PROOFS as _PAYOUTS
from guilder_server.ledger.verification.run import verify
from guilder_server.ledger.verification.wallets import PROOFS as _WALLETS

PROOFS = (*_ARITHMETIC, *_PAYMENTS, *_WALLETS, *_PAYOUTS)

__all__ = ["PROOFS", "verify"]
