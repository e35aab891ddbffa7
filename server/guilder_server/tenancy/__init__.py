"""The door of tenancy: what other capabilities may use."""

from guilder_server.tenancy.domain.account import Account
from guilder_server.tenancy.domain.grants import (
    Holder,
    grantable,
    held,
    require_all,
    require_until,
    require_within,
)
from guilder_server.tenancy.domain.keys import (
    IssuedKey,
    KeyKind,
    KeyRecord,
    NewKey,
    check_sum,
    digest,
    new_key,
)
from guilder_server.tenancy.domain.organization import Organization
from guilder_server.tenancy.domain.wishes import known_permissions
from guilder_server.tenancy.domain.wishes import name as shown_name
from guilder_server.tenancy.flows.accounts import Accounts
from guilder_server.tenancy.flows.keyring import Keyring, require_active
from guilder_server.tenancy.flows.remembering import (
    KNOWN_FOR_S,
    RENEWED_EVERY_S,
    Remembered,
    remember,
)
from guilder_server.tenancy.ports import UseStore
from guilder_server.tenancy.views import creator, view_account

__all__ = [
    "KNOWN_FOR_S",
    "RENEWED_EVERY_S",
    "Account",
    "Accounts",
    "Holder",
    "IssuedKey",
    "KeyKind",
    "KeyRecord",
    "Keyring",
    "NewKey",
    "Organization",
    "Remembered",
    "UseStore",
    "check_sum",
    "creator",
    "digest",
    "grantable",
    "held",
    "known_permissions",
    "new_key",
    "remember",
    "require_active",
    "require_all",
    "require_until",
    "require_within",
    "shown_name",
    "view_account",
]
