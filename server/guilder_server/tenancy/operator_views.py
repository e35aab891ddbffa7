"""Organizations, accounts and keys as whoever runs the server is shown them."""

from __future__ import annotations

from guilder_server import wire
from guilder_server.kernel.clock import unix
from guilder_server.kernel.tenant import Tenant
from guilder_server.tenancy.domain.account import Account
from guilder_server.tenancy.domain.organization import Organization
from guilder_server.tenancy.operator_keys import HandedOut
from guilder_server.tenancy.views import view_account


def view_organization(organization: Organization, _tenant: Tenant) -> wire.Organization:
    return {
        "id": organization.id,
        "object": "organization",
        "created": unix(organization.created),
        "metadata": organization.metadata,
        "name": organization.name,
    }


def view_any_account(account: Account, tenant: Tenant) -> wire.Account | wire.OperatorAccount:
    """As its own people know it, unless it is the operator who looks."""
    if not tenant.of_operator:
        return view_account(account, tenant)
    return {
        "id": account.id,
        "object": "operator.account",
        "country": account.country,
        "created": unix(account.created),
        "default_currency": account.default_currency,
        "email": account.email,
        "metadata": account.metadata,
        "name": account.name,
        "organization": account.organization_id,
        "plan": account.plan,
        "status": account.status,
    }


def view_key(handed: HandedOut, _tenant: Tenant) -> wire.OperatorKey:
    key, record = handed.key, handed.key.record
    shown: wire.OperatorKey = {
        "id": key.id,
        "object": "operator.key",
        "account": record.tenant.account,
        "created": unix(key.key.created),
        "expires_at": None if record.expires_at is None else unix(record.expires_at),
        "kind": record.kind,
        "last4": record.last4,
        "livemode": record.tenant.livemode,
        "name": key.key.name,
        "permissions": None if record.permissions is None else list(record.permissions),
        "replaced_by": key.key.replaced_by,
        "revoked_at": None if record.revoked_at is None else unix(record.revoked_at),
        "status": handed.status,
    }
    if handed.token is not None:
        shown["key"] = handed.token
    if handed.replaces is not None:
        shown["replaces"] = handed.replaces
    return shown
