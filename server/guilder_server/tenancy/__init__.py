"""The door of tenancy: what other capabilities may use."""

from guilder_server.tenancy.domain.account import Account
from guilder_server.tenancy.domain.keys import IssuedKey, KeyKind, KeyRecord, NewKey, new_key
from guilder_server.tenancy.domain.organization import Organization
from guilder_server.tenancy.flows.accounts import Accounts
from guilder_server.tenancy.flows.keyring import Keyring
from guilder_server.tenancy.views import view_account

__all__ = [
    "Account",
    "Accounts",
    "IssuedKey",
    "KeyKind",
    "KeyRecord",
    "Keyring",
    "NewKey",
    "Organization",
    "new_key",
    "view_account",
]
