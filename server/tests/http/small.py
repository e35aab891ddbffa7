"""A small contract with its domain, and everything around the HTTP layer kept in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import msgspec

from guilder_server.http.app import App
from guilder_server.http.auth import Credential
from guilder_server.http.call import Call
from guilder_server.http.contract import Contract
from guilder_server.http.execute import Executor
from guilder_server.http.expand import Expander
from guilder_server.http.present import Views
from guilder_server.http.snapshots import object_in, teller_of
from guilder_server.kernel.changes import Changes, GuardLost, KeyClaim, KeyTaken, Stored
from guilder_server.kernel.clock import ManualClock, unix
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TENANT = Tenant(1, "acct_one", False)
OTHER = Tenant(2, "acct_two", False)


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(name: str) -> dict[str, Any]:
    return {"200": {"description": name, "content": {"application/json": {"schema": _ref(name)}}}}


def _post(name: str, params: str, result: str, **more: Any) -> dict[str, Any]:
    content = {
        kind: {"schema": _ref(params)}
        for kind in ("application/x-www-form-urlencoded", "application/json")
    }
    return {
        "operationId": name,
        "x-permission": "payments:write",
        "requestBody": {"content": content},
        "responses": _json(result),
        **more,
    }


def _get(name: str, result: str, *queried: dict[str, Any], **more: Any) -> dict[str, Any]:
    expand = {"name": "expand", "in": "query", "schema": _ref("Expand")}
    return {
        "operationId": name,
        "x-permission": "payments:read",
        "parameters": [expand, *queried],
        "responses": _json(result),
        **more,
    }


def _query(name: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, **more}


def _object(properties: dict[str, Any], required: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": list(required),
    }


def _list_of(name: str, word: str = "list") -> dict[str, Any]:
    return _object(
        {
            "object": {"type": "string", "const": word},
            "data": {"type": "array", "items": _ref(name)},
            "has_more": {"type": "boolean"},
            "url": {"type": "string"},
        }
    )


def _unset(schema: dict[str, Any]) -> dict[str, Any]:
    return {"x-unsettable": True, "anyOf": [schema, {"type": "string", "const": ""}]}


_LISTED = (
    _query("limit", {"type": "integer", "minimum": 1, "maximum": 100}),
    _query("starting_after", {"type": "string", "minLength": 1}),
    _query("ending_before", {"type": "string", "minLength": 1}),
    _query("created", {"anyOf": [{"type": "integer", "minimum": 0}, _ref("Range")]}),
)

SCHEMAS: dict[str, Any] = {
    "Expand": {"type": "array", "maxItems": 50, "items": {"type": "string", "minLength": 1}},
    "Range": _object({name: {"type": "integer", "minimum": 0} for name in ("gt", "gte", "lt")}),
    "Address": _object({"city": {"type": "string", "maxLength": 20, "x-unsettable": True}}),
    "Metadata": {"type": "object", "additionalProperties": {"type": "string"}},
    "Item": _object(
        {"price": {"type": "string", "minLength": 1}, "quantity": {"type": "integer"}}, ["price"]
    ),
    "Card": _object(
        {
            "number": {"type": "string", "minLength": 1, "maxLength": 19, "x-sensitive": True},
            "exp_month": {"type": "integer", "minimum": 1, "maximum": 12},
            "networks": _object({"preferred": {"type": "string", "enum": ["visa", ""]}}),
        },
        ["number"],
    ),
    "PayParams": _object(
        {
            "address": _unset(_ref("Address")),
            "amount": {"type": "integer", "minimum": 1},
            "capture_method": {
                "type": "string",
                "enum": ["automatic", "automatic_async", "manual"],
            },
            "card": _ref("Card"),
            "confirm": {"type": "boolean"},
            "currency": {"type": "string", "pattern": "^[A-Za-z]{3}$"},
            "customer": {"type": "string", "minLength": 1, "maxLength": 255},
            "description": {"type": "string", "maxLength": 40, "x-unsettable": True},
            "expand": _ref("Expand"),
            "items": _unset({"type": "array", "maxItems": 3, "items": _ref("Item")}),
            "metadata": _unset(_ref("Metadata")),
            "name": {"type": "string", "pattern": r"\S"},
            "off_session": {
                "anyOf": [{"type": "boolean"}, {"type": "string", "enum": ["one_off"]}]
            },
            "rate": {"type": "number"},
            "types": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "string", "enum": ["card"]},
            },
            "until": {"anyOf": [{"type": "integer"}, {"type": "string", "const": "now"}]},
        },
        ["amount", "currency"],
    ),
    "CustomerParams": _object({"expand": _ref("Expand"), "name": {"type": "string"}}),
    "Customer": _object(
        {
            "id": {"type": "string"},
            "object": {"type": "string", "const": "customer"},
            "settings": _ref("Settings"),
            "name": {"type": ["string", "null"]},
        }
    ),
    "Settings": _object(
        {
            "favourite": {
                "x-expandable": ["payment"],
                "anyOf": [{"type": "string"}, _ref("Payment"), {"type": "null"}],
            }
        }
    ),
    "Payment": _object(
        {
            "id": {"type": "string"},
            "object": {"type": "string", "const": "payment"},
            "amount": {"type": "integer"},
            "created": {"type": "integer"},
            "customer": {
                "x-expandable": ["customer"],
                "anyOf": [{"type": "string"}, _ref("Customer"), {"type": "null"}],
            },
            "metadata": _ref("Metadata"),
            "refunds": {**_ref("RefundList"), "x-includable": "refunds"},
        }
    ),
    "Refund": _object(
        {
            "id": {"type": "string"},
            "object": {"type": "string", "const": "refund"},
            "payment": {
                "x-expandable": ["payment"],
                "anyOf": [{"type": "string"}, _ref("Payment")],
            },
        }
    ),
    "PaymentList": _list_of("Payment"),
    "PaymentSearch": _list_of("Payment", "search_result"),
    "RefundList": _list_of("Refund"),
}

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        "/v1/payments": {
            "get": _get("list_payments", "PaymentList", *_LISTED),
            "post": _post("create_payment", "PayParams", "Payment", **{"x-publishable": True}),
        },
        "/v1/payments/search": {
            "get": _get(
                "search_payments",
                "PaymentSearch",
                _query("query", {"type": "string", "minLength": 1}, required=True),
            ),
        },
        "/v1/payments/{payment}": {
            "get": _get("retrieve_payment", "Payment"),
        },
        "/v1/customers/{customer}": {
            "get": _get("retrieve_customer", "Customer"),
            "post": _post("update_customer", "CustomerParams", "Customer"),
            "delete": {
                "operationId": "delete_customer",
                "x-permission": "payments:write",
                "responses": _json("Customer"),
            },
        },
        "/v1/customers/{customer}/payments": {
            "get": _get("list_customer_payments", "PaymentList"),
        },
    },
    "components": {"schemas": SCHEMAS},
}
CONTRACT = Contract(DOCUMENT)


@dataclass(frozen=True, slots=True)
class Customer:
    id: str
    name: str | None = None
    favourite: str | None = None
    version: int = 1


@dataclass(frozen=True)
class Payment:
    id: str
    amount: int
    customer: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    created: datetime = NOW
    version: int = 1


@dataclass(frozen=True, slots=True)
class Refund:
    id: str
    payment: str
    version: int = 1


def _view_customer(customer: Customer, tenant: Tenant) -> dict[str, Any]:
    return {
        "id": customer.id,
        "object": "customer",
        "name": customer.name,
        "settings": {"favourite": customer.favourite},
    }


def _view_payment(payment: Payment, tenant: Tenant) -> dict[str, Any]:
    return {
        "id": payment.id,
        "object": "payment",
        "amount": payment.amount,
        "created": unix(payment.created),
        "customer": payment.customer,
        "metadata": dict(payment.metadata),
    }


def _view_refund(refund: Refund, tenant: Tenant) -> dict[str, Any]:
    return {"id": refund.id, "object": "refund", "payment": refund.payment}


VIEWS = Views({Customer: _view_customer, Payment: _view_payment, Refund: _view_refund})


@dataclass(slots=True)
class Kept:
    """A key as the store has it."""

    fingerprint: bytes
    status: int
    response: bytes
    fence: str | None


class Memory:
    """A committer and a store, without a database: the port's promises and no more."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, str], Stored] = {}
        self.keys: dict[tuple[int, str], Kept] = {}
        self.commits: list[Changes] = []
        self.lost: list[Exception] = []
        self.loaded: list[str] = []

    def put(self, *things: Stored, tenant: Tenant = TENANT) -> None:
        self.rows.update({(tenant.id, thing.id): thing for thing in things})

    async def commit(self, changes: Changes) -> None:
        await asyncio.sleep(0)
        if self.lost:
            raise self.lost.pop(0)
        tenant = changes.tenant.id
        claim = changes.key
        if claim is not None:
            known = self.keys.get((tenant, claim.key))
            if not _may_claim(known, claim):
                raise KeyTaken(claim.key)
        for before, _ in changes.changed:
            if self.rows[tenant, before.id].version != before.version:
                raise GuardLost(before.id)
        if claim is not None:
            self.keys[tenant, claim.key] = Kept(
                claim.fingerprint or self.keys[tenant, claim.key].fingerprint,
                claim.status,
                claim.response,
                claim.fence,
            )
        self.put(*changes.added, *(after for _, after in changes.changed), tenant=changes.tenant)
        self.commits.append(changes)

    async def key(self, tenant: Tenant, key: str) -> Kept | None:
        return self.keys.get((tenant.id, key))

    def answered(self, key: str, tenant: Tenant = TENANT) -> bytes:
        """What is kept under a key, wherever that is."""
        kept = self.keys[tenant.id, key].response
        event = teller_of(kept)
        if event is None:
            return unpack(kept)
        events = (one for changes in self.commits for one in changes.events)
        return object_in(unpack(next(one.payload for one in events if one.id == event)))

    async def told(self, tenant: Tenant, event: str) -> bytes | None:
        events = (one for changes in self.commits for one in changes.events)
        return next((one.payload for one in events if one.id == event), None)

    async def load(self, tenant: Tenant, wanted: str) -> object | None:
        await asyncio.sleep(0)
        self.loaded.append(wanted)
        return self.rows.get((tenant.id, wanted))

    async def refunds_of(self, tenant: Tenant, payment: str) -> Page:
        return Page(
            [
                row
                for row in self.rows.values()
                if isinstance(row, Refund) and row.payment == payment
            ],
            has_more=False,
        )

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        return [
            (event.type, msgspec.json.decode(unpack(event.payload)))
            for changes in self.commits
            for event in changes.events
        ]


def _may_claim(known: Kept | None, claim: KeyClaim) -> bool:
    if claim.finishes is None:
        return known is None
    return known is not None and known.status == 0 and known.fence == claim.finishes


def pack(json: bytes) -> bytes:
    return b"packed:" + json


def unpack(snapshot: bytes) -> bytes:
    return snapshot.removeprefix(b"packed:")


def expander(memory: Memory) -> Expander:
    return Expander(
        CONTRACT,
        VIEWS,
        {"customer": memory.load, "payment": memory.load},
        {("payment", "refunds"): memory.refunds_of},
    )


def executor(memory: Memory) -> Executor:
    clock = ManualClock(NOW)
    return Executor(
        contract=CONTRACT,
        committer=memory,
        keys=memory.key,
        views=VIEWS,
        expander=expander(memory),
        ids=Ids(clock),
        clock=clock,
        pack=pack,
        seal=pack,
        unpack=unpack,
        told=memory.told,
        secret=b"secret",
        lease=timedelta(seconds=60),
    )


def call(
    operation: str = "create_payment",
    *,
    key: str | None = None,
    expand: tuple[str, ...] = (),
    path: dict[str, str] | None = None,
    request_id: str = "req_1",
    **params: Any,
) -> Call:
    credential = Credential(TENANT, "secret", "key_1")
    named = CONTRACT.operations[operation]
    return Call(TENANT, named, params, path or {}, expand, credential, request_id, key)


class Keys:
    """The keyring of the tests."""

    _known: ClassVar = {
        "sk_test_one": Credential(TENANT, "secret", "key_1"),
        "pk_test_one": Credential(TENANT, "publishable", "key_2"),
        "rk_test_one": Credential(TENANT, "restricted", "key_3", frozenset({"payments:read"})),
    }

    async def find(self, token: str) -> Credential | None:
        return self._known.get(token)


def app(memory: Memory, *apis: object) -> App:
    return App(
        router=CONTRACT.bind(apis),
        keyring=Keys(),
        executor=executor(memory),
        ids=Ids(ManualClock(NOW)),
        api_version="2026-10-28.endive",
        server_version="0.1.0",
    )
