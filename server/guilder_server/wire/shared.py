# @generated from openapi.yaml by server/generate_wire.py — do not edit
from __future__ import annotations

from typing import Any, Literal, NotRequired, TYPE_CHECKING, TypeAlias, TypedDict

if TYPE_CHECKING:
    from guilder_server.wire.payment_intents import PaymentIntent
    from guilder_server.wire.payment_methods import PaymentMethod, PaymentMethodType

AdviceCode: TypeAlias = Literal["confirm_card_data", "do_not_try_again", "try_again_later"]

AllowRedisplay: TypeAlias = Literal["always", "limited", "unspecified"]

AuditEntryActorType: TypeAlias = Literal["api_key", "job", "oauth_client", "operator", "user"]

CaptureMethod: TypeAlias = Literal["automatic", "automatic_async", "manual"]

CardBrand: TypeAlias = Literal[
    "amex",
    "diners",
    "discover",
    "eftpos_au",
    "jcb",
    "link",
    "mastercard",
    "unionpay",
    "unknown",
    "visa",
]

CardCheck: TypeAlias = Literal["fail", "pass", "unavailable", "unchecked"]

CardFunding: TypeAlias = Literal["credit", "debit", "prepaid", "unknown"]

CardNetwork: TypeAlias = Literal[
    "amex",
    "cartes_bancaires",
    "diners",
    "discover",
    "eftpos_au",
    "girocard",
    "interac",
    "jcb",
    "link",
    "mastercard",
    "unionpay",
    "unknown",
    "visa",
]

ConfirmationMethod: TypeAlias = Literal["automatic", "manual"]

CurrencyCode: TypeAlias = str

ErrorCode: TypeAlias = Literal[
    "account_closed",
    "account_invalid",
    "amount_too_large",
    "amount_too_small",
    "api_key_expired",
    "authentication_required",
    "balance_insufficient",
    "bank_account_declined",
    "capture_charge_authorization_expired",
    "capture_unauthorized_payment",
    "card_decline_rate_limit_exceeded",
    "card_declined",
    "charge_already_captured",
    "charge_already_refunded",
    "charge_disputed",
    "charge_exceeds_transaction_limit",
    "charge_expired_for_capture",
    "charge_invalid_parameter",
    "charge_not_refundable",
    "country_code_invalid",
    "customer_max_payment_methods",
    "email_invalid",
    "expired_card",
    "idempotency_key_in_use",
    "incorrect_address",
    "incorrect_cvc",
    "incorrect_number",
    "incorrect_zip",
    "intent_invalid_state",
    "invalid_card_type",
    "invalid_characters",
    "invalid_charge_amount",
    "invalid_cvc",
    "invalid_expiry_month",
    "invalid_expiry_year",
    "invalid_number",
    "livemode_mismatch",
    "lock_timeout",
    "missing",
    "parameter_invalid_empty",
    "parameter_invalid_integer",
    "parameter_invalid_string_blank",
    "parameter_invalid_string_empty",
    "parameter_missing",
    "parameter_unknown",
    "parameters_exclusive",
    "payment_intent_action_required",
    "payment_intent_authentication_failure",
    "payment_intent_incompatible_payment_method",
    "payment_intent_invalid_parameter",
    "payment_intent_payment_attempt_expired",
    "payment_intent_payment_attempt_failed",
    "payment_intent_rate_limit_exceeded",
    "payment_intent_unexpected_state",
    "payment_method_currency_mismatch",
    "payment_method_customer_decline",
    "payment_method_invalid_parameter",
    "payment_method_invalid_parameter_testmode",
    "payment_method_not_available",
    "payment_method_provider_decline",
    "payment_method_provider_timeout",
    "payment_method_unactivated",
    "payment_method_unexpected_state",
    "payment_method_unsupported_type",
    "platform_api_key_expired",
    "postal_code_invalid",
    "processing_error",
    "rate_limit",
    "refund_disputed_payment",
    "request_blocked",
    "resource_already_exists",
    "resource_missing",
    "secret_key_required",
    "shipping_address_invalid",
    "state_unsupported",
    "status_transition_invalid",
    "testmode_charges_only",
    "tls_version_unsupported",
    "token_already_used",
    "token_in_use",
    "url_invalid",
]

ErrorType: TypeAlias = Literal[
    "api_error",
    "card_error",
    "idempotency_error",
    "invalid_request_error",
]

Expand: TypeAlias = list[str]

FraudReport: TypeAlias = Literal["fraudulent", "safe"]

Id: TypeAlias = str

LedgerCode: TypeAlias = str

LedgerSide: TypeAlias = Literal["credit", "debit"]

MandateDataParams: TypeAlias = 'MandateParams | Literal[""]'

Metadata: TypeAlias = dict[str, str]

MetadataParams: TypeAlias = 'Metadata | Literal[""]'

MinorUnits: TypeAlias = int

Month: TypeAlias = str

Networks: TypeAlias = list[str]

OffSession: TypeAlias = bool | Literal["one_off", "recurring"]

OwnErrorCode: TypeAlias = Literal[
    "access_token_expired",
    "access_token_invalid",
    "account_suspended",
    "address_not_allowed",
    "balance_exceeded",
    "code_reused",
    "code_wrong",
    "csrf_token_invalid",
    "invitation_accepted",
    "invitation_open",
    "last_owner",
    "ledger_account_closed",
    "ledger_account_frozen",
    "ledger_account_not_empty",
    "ledger_account_system",
    "ledger_amount_too_large",
    "ledger_balances_limit",
    "ledger_code_taken",
    "ledger_condition_failed",
    "ledger_currency_mismatch",
    "ledger_exchange_currencies",
    "ledger_exchange_inexact",
    "ledger_exchange_mismatch",
    "ledger_reference_taken",
    "ledger_reversal_too_large",
    "ledger_transaction_reversed",
    "ledger_transaction_unexpected_state",
    "maker_expires",
    "password_not_set",
    "password_wrong",
    "payout_unexpected_state",
    "payouts_not_supported",
    "session_ended",
    "user_already_member",
    "quota_exceeded",
    "wallet_closed",
    "wallet_currency_mismatch",
    "wallet_frozen",
    "wallet_hold_unexpected_state",
    "wallet_limit_exceeded",
    "wallet_not_empty",
    "webhook_endpoint_disabled",
    "webhook_endpoints_limit",
]

Permissions: TypeAlias = list[str]

PreferredLocales: TypeAlias = list[str]

RegulatedStatus: TypeAlias = Literal["regulated", "unregulated"]

RequestIfAvailable: TypeAlias = Literal["if_available", "never"]

RequestThreeDSecure: TypeAlias = Literal["any", "automatic", "challenge"]

Role: TypeAlias = Literal["owner", "admin", "developer", "finance", "support", "viewer"]

Scopes: TypeAlias = list[str]

SetupFutureUsage: TypeAlias = Literal["off_session", "on_session"]

TaxExempt: TypeAlias = Literal["exempt", "none", "reverse"]

WebhookApiVersion: TypeAlias = Literal["2026-10-28.endive"]

WebhookDeliveryStatus: TypeAlias = Literal["canceled", "delivered", "failed", "pending"]

WebhookEventType: TypeAlias = Literal[
    "*",
    "account.application.authorized",
    "account.application.deauthorized",
    "account.external_account.created",
    "account.external_account.deleted",
    "account.external_account.updated",
    "account.updated",
    "application_fee.created",
    "application_fee.refund.updated",
    "application_fee.refunded",
    "apps.install.created",
    "apps.install.deleted",
    "apps.install.updated",
    "balance.available",
    "balance_settings.updated",
    "billing.alert.triggered",
    "billing.credit_balance_transaction.created",
    "billing.credit_grant.created",
    "billing.credit_grant.updated",
    "billing.meter.created",
    "billing.meter.deactivated",
    "billing.meter.reactivated",
    "billing.meter.updated",
    "billing_portal.configuration.created",
    "billing_portal.configuration.updated",
    "billing_portal.session.created",
    "capability.updated",
    "cash_balance.funds_available",
    "charge.captured",
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "charge.expired",
    "charge.failed",
    "charge.pending",
    "charge.refund.updated",
    "charge.refunded",
    "charge.succeeded",
    "charge.updated",
    "checkout.session.async_payment_failed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "climate.order.canceled",
    "climate.order.created",
    "climate.order.delayed",
    "climate.order.delivered",
    "climate.order.product_substituted",
    "climate.product.created",
    "climate.product.pricing_updated",
    "coupon.created",
    "coupon.deleted",
    "coupon.updated",
    "credit_note.created",
    "credit_note.updated",
    "credit_note.voided",
    "customer.created",
    "customer.deleted",
    "customer.discount.created",
    "customer.discount.deleted",
    "customer.discount.updated",
    "customer.source.created",
    "customer.source.deleted",
    "customer.source.expiring",
    "customer.source.updated",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.pending_update_applied",
    "customer.subscription.pending_update_expired",
    "customer.subscription.resumed",
    "customer.subscription.trial_will_end",
    "customer.subscription.updated",
    "customer.tax_id.created",
    "customer.tax_id.deleted",
    "customer.tax_id.updated",
    "customer.updated",
    "customer_cash_balance_transaction.created",
    "entitlements.active_entitlement_summary.updated",
    "file.created",
    "financial_connections.account.account_numbers_updated",
    "financial_connections.account.created",
    "financial_connections.account.deactivated",
    "financial_connections.account.disconnected",
    "financial_connections.account.expected_deactivation_date_updated",
    "financial_connections.account.reactivated",
    "financial_connections.account.refreshed_balance",
    "financial_connections.account.refreshed_ownership",
    "financial_connections.account.refreshed_transactions",
    "financial_connections.account.supported_payment_method_types_updated",
    "financial_connections.account.upcoming_account_number_expiry",
    "financial_connections.account.upcoming_deactivation",
    "financial_connections.authorization.expected_deactivation_date_updated",
    "financial_connections.authorization.upcoming_deactivation",
    "identity.verification_session.canceled",
    "identity.verification_session.created",
    "identity.verification_session.processing",
    "identity.verification_session.redacted",
    "identity.verification_session.requires_input",
    "identity.verification_session.verified",
    "invoice.created",
    "invoice.deleted",
    "invoice.finalization_failed",
    "invoice.finalized",
    "invoice.marked_uncollectible",
    "invoice.overdue",
    "invoice.overpaid",
    "invoice.paid",
    "invoice.payment_action_required",
    "invoice.payment_attempt_required",
    "invoice.payment_failed",
    "invoice.payment_succeeded",
    "invoice.sent",
    "invoice.upcoming",
    "invoice.updated",
    "invoice.voided",
    "invoice.will_be_due",
    "invoice_payment.paid",
    "invoiceitem.created",
    "invoiceitem.deleted",
    "issuing_authorization.created",
    "issuing_authorization.request",
    "issuing_authorization.updated",
    "issuing_card.created",
    "issuing_card.updated",
    "issuing_cardholder.created",
    "issuing_cardholder.updated",
    "issuing_dispute.closed",
    "issuing_dispute.created",
    "issuing_dispute.funds_reinstated",
    "issuing_dispute.funds_rescinded",
    "issuing_dispute.submitted",
    "issuing_dispute.updated",
    "issuing_personalization_design.activated",
    "issuing_personalization_design.deactivated",
    "issuing_personalization_design.rejected",
    "issuing_personalization_design.updated",
    "issuing_token.created",
    "issuing_token.updated",
    "issuing_transaction.created",
    "issuing_transaction.purchase_details_receipt_updated",
    "issuing_transaction.updated",
    "ledger.account.created",
    "ledger.account.updated",
    "ledger.transaction.expired",
    "ledger.transaction.pending",
    "ledger.transaction.posted",
    "ledger.transaction.voided",
    "mandate.updated",
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.created",
    "payment_intent.partially_funded",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "payment_link.created",
    "payment_link.updated",
    "payment_method.attached",
    "payment_method.automatically_updated",
    "payment_method.detached",
    "payment_method.updated",
    "payout.canceled",
    "payout.created",
    "payout.failed",
    "payout.paid",
    "payout.reconciliation_completed",
    "payout.updated",
    "person.created",
    "person.deleted",
    "person.updated",
    "plan.created",
    "plan.deleted",
    "plan.updated",
    "price.created",
    "price.deleted",
    "price.updated",
    "product.created",
    "product.deleted",
    "product.updated",
    "promotion_code.created",
    "promotion_code.updated",
    "quote.accepted",
    "quote.canceled",
    "quote.created",
    "quote.finalized",
    "radar.early_fraud_warning.created",
    "radar.early_fraud_warning.updated",
    "refund.created",
    "refund.failed",
    "refund.updated",
    "reporting.report_run.failed",
    "reporting.report_run.succeeded",
    "reporting.report_type.updated",
    "reserve.hold.created",
    "reserve.hold.updated",
    "reserve.plan.created",
    "reserve.plan.disabled",
    "reserve.plan.expired",
    "reserve.plan.updated",
    "reserve.release.created",
    "review.closed",
    "review.opened",
    "setup_intent.canceled",
    "setup_intent.created",
    "setup_intent.requires_action",
    "setup_intent.setup_failed",
    "setup_intent.succeeded",
    "sigma.scheduled_query_run.created",
    "source.canceled",
    "source.chargeable",
    "source.failed",
    "source.mandate_notification",
    "source.refund_attributes_required",
    "source.transaction.created",
    "source.transaction.updated",
    "subscription_schedule.aborted",
    "subscription_schedule.canceled",
    "subscription_schedule.completed",
    "subscription_schedule.created",
    "subscription_schedule.expiring",
    "subscription_schedule.released",
    "subscription_schedule.updated",
    "tax.settings.updated",
    "tax_rate.created",
    "tax_rate.updated",
    "terminal.reader.action_failed",
    "terminal.reader.action_succeeded",
    "terminal.reader.action_updated",
    "test_helpers.test_clock.advancing",
    "test_helpers.test_clock.created",
    "test_helpers.test_clock.deleted",
    "test_helpers.test_clock.internal_failure",
    "test_helpers.test_clock.ready",
    "three_d_secure.authentication.canceled",
    "three_d_secure.authentication.challenge_started",
    "three_d_secure.authentication.errored",
    "three_d_secure.authentication.failed",
    "three_d_secure.authentication.requires_challenge",
    "three_d_secure.authentication.requires_submission",
    "three_d_secure.authentication.succeeded",
    "topup.canceled",
    "topup.created",
    "topup.failed",
    "topup.reversed",
    "topup.succeeded",
    "transfer.created",
    "transfer.reversed",
    "transfer.updated",
    "treasury.credit_reversal.created",
    "treasury.credit_reversal.posted",
    "treasury.debit_reversal.completed",
    "treasury.debit_reversal.created",
    "treasury.debit_reversal.initial_credit_granted",
    "treasury.financial_account.closed",
    "treasury.financial_account.created",
    "treasury.financial_account.features_status_updated",
    "treasury.inbound_transfer.canceled",
    "treasury.inbound_transfer.created",
    "treasury.inbound_transfer.failed",
    "treasury.inbound_transfer.succeeded",
    "treasury.outbound_payment.canceled",
    "treasury.outbound_payment.created",
    "treasury.outbound_payment.expected_arrival_date_updated",
    "treasury.outbound_payment.failed",
    "treasury.outbound_payment.posted",
    "treasury.outbound_payment.returned",
    "treasury.outbound_payment.tracking_details_updated",
    "treasury.outbound_transfer.canceled",
    "treasury.outbound_transfer.created",
    "treasury.outbound_transfer.expected_arrival_date_updated",
    "treasury.outbound_transfer.failed",
    "treasury.outbound_transfer.posted",
    "treasury.outbound_transfer.returned",
    "treasury.outbound_transfer.tracking_details_updated",
    "treasury.received_credit.created",
    "treasury.received_credit.failed",
    "treasury.received_credit.succeeded",
    "treasury.received_debit.created",
    "usage.quota_reached",
    "wallet.created",
    "wallet.updated",
    "wallet_hold.captured",
    "wallet_hold.created",
    "wallet_hold.expired",
    "wallet_hold.released",
    "wallet_top_up.failed",
    "wallet_top_up.restored",
    "wallet_top_up.reversed",
    "wallet_top_up.succeeded",
    "wallet_transfer.created",
    "webhook_endpoint.disabled",
]

WebhookEventTypes: TypeAlias = 'list[WebhookEventType]'


class Address(TypedDict):
    city: str | None
    country: str | None
    line1: str | None
    line2: str | None
    postal_code: str | None
    state: str | None


class AddressParams(TypedDict):
    city: NotRequired[str]
    country: NotRequired[str]
    line1: NotRequired[str]
    line2: NotRequired[str]
    postal_code: NotRequired[str]
    state: NotRequired[str]


class AuditEntry(TypedDict):
    id: str
    object: Literal["audit_entry"]
    action: str
    actor: AuditEntryActor
    chain: AuditEntryChain | None
    changes: list[AuditEntryChange]
    created: int
    livemode: bool
    request: str | None


class AuditEntryActor(TypedDict):
    address: str | None
    id: str
    type: AuditEntryActorType


class AuditEntryChain(TypedDict):
    hash: str
    position: int


class AuditEntryChange(TypedDict):
    object: str
    id: str
    after: dict[str, Any] | None
    before: dict[str, Any] | None


class AuditEntryList(TypedDict):
    object: Literal["list"]
    data: list[AuditEntry]
    has_more: bool
    url: str


class BillingDetails(TypedDict):
    address: Address
    email: str | None
    name: str | None
    phone: str | None
    tax_id: str | None


class BillingDetailsParams(TypedDict):
    address: NotRequired[AddressParams | Literal[""]]
    email: NotRequired[str]
    name: NotRequired[str]
    phone: NotRequired[str]
    tax_id: NotRequired[str]


class CardChecks(TypedDict):
    """What the issuer said about the details given; null when one was not given."""

    address_line1_check: CardCheck | None
    address_postal_code_check: CardCheck | None
    cvc_check: CardCheck | None


class Creator(TypedDict):
    id: str
    type: Literal["api_key", "oauth_client", "user", "operator", "job"]


class DeletedCustomer(TypedDict):
    id: str
    object: Literal["customer"]
    deleted: Literal[True]


class DeletedOauthClient(TypedDict):
    id: str
    object: Literal["oauth_client"]
    deleted: Literal[True]


class DeletedUser(TypedDict):
    id: str
    object: Literal["user"]
    deleted: Literal[True]


class DeletedWebhookEndpoint(TypedDict):
    id: str
    object: Literal["webhook_endpoint"]
    deleted: Literal[True]


class Error(TypedDict):
    type: ErrorType
    message: str
    code: NotRequired[ErrorCode | OwnErrorCode]
    param: NotRequired[str]
    decline_code: NotRequired[str]
    advice_code: NotRequired[AdviceCode]
    network_advice_code: NotRequired[str]
    network_decline_code: NotRequired[str]
    charge: NotRequired[str]
    doc_url: NotRequired[str]
    payment_intent: NotRequired[PaymentIntent]
    payment_method: NotRequired[PaymentMethod]
    payment_method_type: NotRequired[PaymentMethodType]
    request_log_url: NotRequired[str]


class ErrorEnvelope(TypedDict):
    error: Error


class LedgerBalance(TypedDict):
    object: Literal["ledger_balance"]
    account: str
    balance: int
    currency: str
    effective_at: int | None
    entries: int
    known_at: int | None


class LedgerBalanceSum(TypedDict):
    accounts: int
    balance: int
    code: str
    credits: int
    currency: str
    debits: int


class LedgerBalances(TypedDict):
    object: Literal["ledger_balances"]
    data: list[LedgerBalanceSum]
    effective_at: int | None
    known_at: int | None


class LedgerBulkError(TypedDict):
    code: str
    message: str
    param: str | None


class LedgerBulkItem(TypedDict):
    error: LedgerBulkError | None
    transaction: str | None


class LedgerBulkItemParams(TypedDict):
    conditions: NotRequired[list[LedgerConditionParams]]
    description: NotRequired[str]
    effective_at: NotRequired[int]
    exchange: NotRequired[LedgerExchangeParams]
    expires_at: NotRequired[int]
    metadata: NotRequired[MetadataParams]
    postings: list[LedgerPostingParams]
    reference: NotRequired[str]
    status: NotRequired[Literal["pending", "posted"]]


class LedgerBulkResult(TypedDict):
    object: Literal["ledger_bulk_result"]
    posted: int
    refused: int
    results: list[LedgerBulkItem]


class LedgerConditionParams(TypedDict):
    account: Id
    entries: NotRequired[int]
    min_balance: NotRequired[int]


class LedgerEntry(TypedDict):
    id: str
    object: Literal["ledger_entry"]
    account: str
    amount: int
    balance: int
    created: int
    currency: str
    direction: LedgerSide
    effective_at: int
    transaction: str
    version: int


class LedgerEntryList(TypedDict):
    object: Literal["list"]
    data: list[LedgerEntry]
    has_more: bool
    url: str


class LedgerExchange(TypedDict):
    bought: str
    bought_amount: int
    rate: LedgerRatio
    residue: LedgerRatio
    rounding: Literal["down", "half_even", "up"] | None
    sold: str
    sold_amount: int


class LedgerExchangeParams(TypedDict):
    bought: CurrencyCode
    rate: str
    rounding: NotRequired[Literal["down", "half_even", "up"]]
    sold: CurrencyCode


class LedgerPosting(TypedDict):
    amount: int
    credit: str | None
    currency: str
    debit: str | None


class LedgerPostingParams(TypedDict):
    amount: int
    credit: Id
    debit: Id


class LedgerRatio(TypedDict):
    """An exact fraction in lowest terms."""

    denominator: int
    numerator: int


class LedgerStatement(TypedDict):
    object: Literal["ledger_statement"]
    account: str
    basis: Literal["effective", "known"]
    closing_balance: int
    code: str
    credits: int
    currency: str
    data: list[LedgerStatementLine]
    debits: int
    entries: int
    interval_end: int
    interval_start: int
    name: str | None
    normal_side: LedgerSide
    opening_balance: int


class LedgerStatementLine(TypedDict):
    id: str
    amount: int
    balance: int
    created: int
    description: str | None
    direction: LedgerSide
    effective_at: int
    reference: str | None
    transaction: str
    type: str


class MandateAcceptanceParams(TypedDict):
    """Accepted, without effect."""

    accepted_at: NotRequired[int]
    offline: NotRequired[MandateOfflineParams]
    online: NotRequired[MandateOnlineParams]
    type: Literal["offline", "online"]


class MandateOfflineParams(TypedDict):
    """Accepted, without effect."""


class MandateOnlineParams(TypedDict):
    """Accepted, without effect."""

    ip_address: NotRequired[str]
    user_agent: NotRequired[str]


class MandateParams(TypedDict):
    """Accepted, without effect."""

    customer_acceptance: NotRequired[MandateAcceptanceParams]


class Organization(TypedDict):
    id: str
    object: Literal["organization"]
    created: int
    metadata: Metadata
    name: str | None


class OrganizationList(TypedDict):
    object: Literal["list"]
    data: list[Organization]
    has_more: bool
    url: str


class RadarOptionsParams(TypedDict):
    """Accepted, without effect."""

    session: NotRequired[str]


class RangeQuery(TypedDict):
    gt: NotRequired[int]
    gte: NotRequired[int]
    lt: NotRequired[int]
    lte: NotRequired[int]


class RecoveryCodes(TypedDict):
    object: Literal["recovery_codes"]
    recovery_codes: list[str]


class Shipping(TypedDict):
    address: Address
    carrier: str | None
    name: str | None
    phone: str | None
    tracking_number: str | None


class ShippingParams(TypedDict):
    address: AddressParams
    carrier: NotRequired[str]
    name: str
    phone: NotRequired[str]
    tracking_number: NotRequired[str]


class WebhookDelivery(TypedDict):
    id: str
    object: Literal["webhook_delivery"]
    attempts: list[WebhookDeliveryAttempt]
    created: int
    event: str
    event_type: str
    livemode: bool
    next_attempt: int | None
    status: WebhookDeliveryStatus
    webhook_endpoint: str


class WebhookDeliveryAttempt(TypedDict):
    attempted_at: int
    latency_ms: int
    response_excerpt: str
    status_code: int | None
    trouble: str | None


class WebhookDeliveryList(TypedDict):
    object: Literal["list"]
    data: list[WebhookDelivery]
    has_more: bool
    url: str


class WebhookReplay(TypedDict):
    id: str
    object: Literal["webhook_replay"]
    created: int
    events: int
    livemode: bool
    only_failed: bool
    since: int
    status: Literal["canceled", "completed", "pending"]
    until: int
    webhook_endpoint: str


class WebhookReplayList(TypedDict):
    object: Literal["list"]
    data: list[WebhookReplay]
    has_more: bool
    url: str
