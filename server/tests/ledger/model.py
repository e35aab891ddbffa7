"""A ledger in a page of Python, for the real one to be held against."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

Pair = tuple[int, int, int]  # debited, credited, amount; accounts by their numbers
Terms = tuple[int, int | None, int | None]  # account, entries before, least balance after


@dataclass
class Account:
    side: str
    currency: str
    floor: int | None
    ceiling: int | None
    status: str = "open"
    entries: list[int] = field(default_factory=list)
    held_debits: int = 0
    held_credits: int = 0

    @property
    def normal(self) -> int:
        return sum(self.entries) * (1 if self.side == "debit" else -1)

    def limit(self) -> str | None:
        """What is pending counts as if it were posted, as far as it brings the limit nearer."""
        debits = self.side == "debit"
        going = self.held_credits if debits else self.held_debits
        coming = self.held_debits if debits else self.held_credits
        if self.floor is not None and self.normal - going < self.floor:
            return "balance_insufficient"
        if self.ceiling is not None and self.normal + coming > self.ceiling:
            return "balance_exceeded"
        return None

    def hold(self, amount: int) -> None:
        """A debit above zero, a credit below."""
        if amount > 0:
            self.held_debits += amount
        else:
            self.held_credits -= amount

    def let_go(self, amount: int) -> None:
        if amount > 0:
            self.held_debits -= amount
        else:
            self.held_credits += amount

    def copy(self) -> Account:
        return replace(self, entries=list(self.entries))


@dataclass(frozen=True)
class Wanted:
    pairs: list[Pair]
    conditions: list[Terms] = field(default_factory=list)
    reference: str | None = None

    def among(self, accounts: int) -> Wanted:
        """The same about accounts that there are."""
        return Wanted(
            [(debit % accounts, credit % accounts, amount) for debit, credit, amount in self.pairs],
            [(number % accounts, entries, least) for number, entries, least in self.conditions],
            self.reference,
        )


@dataclass
class Transaction:
    pairs: list[Pair]
    left: list[int]


@dataclass
class Hold:
    pairs: list[Pair]
    expires_at: int | None  # seconds
    status: str = "pending"


class Books:
    def __init__(self) -> None:
        self.accounts: list[Account] = []
        self.holds: list[Hold] = []
        self.now = 0
        self.transactions: list[Transaction] = []
        self.references: set[str] = set()

    def open(self, account: Account) -> None:
        self.accounts.append(account)

    def status(self, number: int, status: str) -> str | None:
        account = self.accounts[number]
        if account.status == "closed" and status != "closed":
            return "ledger_account_closed"
        if status == "closed" and (account.normal or account.held_debits or account.held_credits):
            return "ledger_account_not_empty"
        account.status = status
        return None

    def post(self, wanted: Wanted) -> str | None:
        """The code of why it is refused, and nothing of it is done; None if it is done."""
        return self._unfit(wanted, self.references) or self._book(wanted)

    def hold(self, wanted: Wanted, expires_at: int | None) -> str | None:
        if code := self._unfit(wanted, self.references):
            return code
        before = [account.copy() for account in self.accounts]
        if code := self._held(wanted, before):
            self.accounts = before
            return code
        self.references |= {wanted.reference} - {None}
        self.holds.append(Hold(wanted.pairs, expires_at))
        return None

    def post_hold(self, number: int, amount: int | None) -> str | None:
        hold = self.holds[number]
        if hold.status != "pending":
            return "ledger_transaction_unexpected_state"
        if amount is not None and len(hold.pairs) > 1:
            return "parameter_invalid"
        if amount is not None and amount > hold.pairs[0][2]:
            return "ledger_amount_too_large"
        pairs = hold.pairs if amount is None else [(*hold.pairs[0][:2], amount)]
        wanted = Wanted(pairs)
        if code := self._unfit(wanted, set()):
            return code
        before = [account.copy() for account in self.accounts]
        self._let_go(hold)
        if code := self._book(wanted):
            self.accounts = before
            return code
        hold.status = "posted"
        return None

    def void(self, number: int) -> str | None:
        hold = self.holds[number]
        if hold.status != "pending":
            return "ledger_transaction_unexpected_state"
        self._let_go(hold)
        hold.status = "voided"
        return None

    def wait(self, seconds: int) -> None:
        self.now += seconds
        for hold in self.holds:
            due = hold.expires_at is not None and hold.expires_at <= self.now
            if hold.status == "pending" and due:
                self._let_go(hold)
                hold.status = "expired"

    def _let_go(self, hold: Hold) -> None:
        for debit, credit, amount in hold.pairs:
            self.accounts[debit].let_go(amount)
            self.accounts[credit].let_go(-amount)

    def _held(self, wanted: Wanted, before: list[Account]) -> str | None:
        for debit, credit, amount in wanted.pairs:
            for number, signed in ((debit, amount), (credit, -amount)):
                account = self.accounts[number]
                account.hold(signed)
                if code := account.limit():
                    return code
        return self._broken(wanted, before)

    def post_together(self, wishes: list[Wanted]) -> str | None:
        """First each is looked at, then all are booked in their order, or none is."""
        references = set(self.references)
        for wanted in wishes:
            if code := self._unfit(wanted, references):
                return code
            references |= {wanted.reference} - {None}
        before = [account.copy() for account in self.accounts]
        for done, wanted in enumerate(wishes):
            if code := self._book(wanted):
                self.accounts = before
                self.references -= {one.reference for one in wishes[:done]}
                del self.transactions[len(self.transactions) - done :]
                return code
        return None

    def reverse(self, number: int, amount: int | None) -> str | None:
        transaction = self.transactions[number]
        left = transaction.left
        if not any(left):
            return "ledger_transaction_reversed"
        if amount is not None and len(left) > 1:
            return "parameter_invalid"
        if amount is not None and amount > left[0]:
            return "ledger_reversal_too_large"
        amounts = list(left) if amount is None else [amount]
        back = [
            (credit, debit, some)
            for (debit, credit, _), some in zip(transaction.pairs, amounts, strict=True)
            if some
        ]
        if code := self.post(Wanted(back)):
            return code
        transaction.left = [rest - some for rest, some in zip(left, amounts, strict=True)]
        return None

    def _unfit(self, wanted: Wanted, references: set[str]) -> str | None:
        if wanted.reference in references:
            return "ledger_reference_taken"
        for debit, credit, _ in wanted.pairs:
            debited, credited = self.accounts[debit], self.accounts[credit]
            for account in (debited, credited):
                if account.status != "open":
                    return f"ledger_account_{account.status}"
            if debited is credited:
                return "parameter_invalid"
            if debited.currency != credited.currency:
                return "ledger_currency_mismatch"
        return None

    def _book(self, wanted: Wanted) -> str | None:
        before = [account.copy() for account in self.accounts]
        code = self._booked(wanted, before)
        if code is not None:
            self.accounts = before
            return code
        self.references |= {wanted.reference} - {None}
        amounts = [amount for _, _, amount in wanted.pairs]
        self.transactions.append(Transaction(wanted.pairs, amounts))
        return None

    def _booked(self, wanted: Wanted, before: list[Account]) -> str | None:
        for debit, credit, amount in wanted.pairs:
            for number, signed in ((debit, amount), (credit, -amount)):
                account = self.accounts[number]
                account.entries.append(signed)
                if code := account.limit():
                    return code
        return self._broken(wanted, before)

    def _broken(self, wanted: Wanted, before: list[Account]) -> str | None:
        for number, entries, least in wanted.conditions:
            had = len(before[number].entries)
            least_met = least is None or self.accounts[number].normal >= least
            if entries not in (None, had) or not least_met:
                return "ledger_condition_failed"
        return None
