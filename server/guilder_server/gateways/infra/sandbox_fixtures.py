"""The sandbox's cards: which number behaves how, and which test token stands for which number.

Numbers and token names are those of https://docs.stripe.com/testing, so that a test suite
written for Stripe finds its cards. Cards at the end of the table, beginning 400000999, are
Guilder's own.
"""

from __future__ import annotations

from dataclasses import dataclass

from guilder_server.gateways.domain.instruments import Brand, Funding


@dataclass(frozen=True, slots=True)
class Card:
    behaviour: str
    brand: Brand = "visa"
    funding: Funding = "credit"
    country: str = "US"
    networks: tuple[str, ...] = ()


CARDS: dict[str, Card] = {
    "4242424242424242": Card("ok"),
    "4012888888881881": Card("ok"),
    "4000056655665556": Card("ok", funding="debit"),
    "5555555555554444": Card("ok", "mastercard"),
    "2223003122003222": Card("ok", "mastercard"),
    "5200828282828210": Card("ok", "mastercard", "debit"),
    "5105105105105100": Card("ok", "mastercard", "prepaid"),
    "378282246310005": Card("no_three_d_secure", "amex"),
    "371449635398431": Card("no_three_d_secure", "amex"),
    "6011111111111117": Card("ok", "discover"),
    "6011000990139424": Card("ok", "discover"),
    "6011981111111113": Card("ok", "discover", "debit"),
    "6555900000604105": Card("ok", "discover"),
    "3056930009020004": Card("ok", "diners"),
    "30569309025904": Card("ok", "diners"),
    "38520000023237": Card("ok", "diners"),
    "36227206271667": Card("ok", "diners"),
    "3566002020360505": Card("ok", "jcb", country="JP"),
    "3530111333300000": Card("ok", "jcb", country="JP"),
    "6200000000000005": Card("ok", "unionpay", country="CN"),
    "6200000000000047": Card("ok", "unionpay", "debit", "CN"),
    "6205500000000000004": Card("ok", "unionpay", country="CN"),
    "4000002500001001": Card("ok", country="FR", networks=("cartes_bancaires", "visa")),
    "5555552500001001": Card(
        "ok", "mastercard", country="FR", networks=("cartes_bancaires", "mastercard")
    ),
    "4000050360000001": Card("ok", "visa", "debit", "AU", ("eftpos_au", "visa")),
    "5555050360000080": Card("ok", "mastercard", "debit", "AU", ("eftpos_au", "mastercard")),
    "4000058260000005": Card("ok", funding="debit", country="GB"),
    "5555558265554449": Card("ok", "mastercard", country="GB"),
    "4000057640000008": Card("ok", funding="debit", country="TH"),
    "4000051230000072": Card("ok", funding="debit"),
    "5200828282828897": Card("ok", "mastercard", "debit"),
    "4000000000000093": Card("ok"),
    "4000000000001208": Card("ok"),
    "4000000000003725": Card("ok"),
    "4000000000000002": Card("declined"),
    "4000000000009995": Card("insufficient_funds"),
    "4000000000009987": Card("lost_card"),
    "4000000000009979": Card("stolen_card"),
    "4000000000000069": Card("expired_card"),
    "4000000000000127": Card("incorrect_cvc"),
    "4000000000000119": Card("processing_error"),
    "4000000000006975": Card("velocity_exceeded"),
    "4000000000000341": Card("declined_once_saved"),
    "4100000000000019": Card("blocked"),
    "4000000000004954": Card("blocked"),
    "4000000000009235": Card("elevated_risk"),
    "4000000000000101": Card("cvc_fails"),
    "4000058400307872": Card("cvc_fails_elevated"),
    "4000000000000036": Card("postal_code_fails"),
    "4000058400306072": Card("postal_code_fails_elevated"),
    "4000000000000028": Card("line1_fails"),
    "4000000000000010": Card("address_fails"),
    "4000000000000044": Card("address_unavailable"),
    "4000000000000259": Card("disputed_fraudulent"),
    "4000000000002685": Card("disputed_not_received"),
    "4000000000001976": Card("inquiry"),
    "4000000000005423": Card("fraud_warning"),
    "4000000404000079": Card("disputed_twice"),
    "4000000404000038": Card("disputed_fraudulent"),
    "4000008400000779": Card("disputed_noncompliant"),
    "4000000000007726": Card("refund_pending"),
    "4000000000005126": Card("refund_fails"),
    "4000000000000077": Card("available_at_once"),
    "4000003720000278": Card("available_at_once", country="IE"),
    "4000002760003184": Card("authenticate", country="DE"),
    "4000002500003155": Card("authenticate_unless_set_up", country="FR"),
    "4000003800000446": Card("authenticate_on_session", country="IT"),
    "4000008260003178": Card("authenticate_then_poor", country="GB"),
    "4000000000003220": Card("authenticate"),
    "4000000000003063": Card("authenticate"),
    "4000582600000094": Card("authenticate", country="GB"),
    "4000582600000045": Card("authenticate", country="GB"),
    "4000582600000102": Card("authenticate", country="GB"),
    "4000582600000110": Card("authenticate", country="GB"),
    "4000008400001629": Card("authenticate_then_declined"),
    "4000008400001280": Card("authentication_error"),
    "4000000000003055": Card("authenticate_if_asked"),
    "4000000000003097": Card("authentication_error_if_asked"),
    "4000009990000013": Card("slow"),
    "4000009990000021": Card("pending"),
    "4000009990000039": Card("pending_then_declined"),
    "4000009990000047": Card("unknown"),
    "4000009990000054": Card("unknown_then_declined"),
    "4000009990000062": Card("increment_declined"),
    "4000009990000070": Card("lost_once_saved"),
    "4000009990000088": Card("stolen_once_saved"),
    "4000009990000096": Card("insufficient_funds", funding="debit"),
}

_COUNTRIES = """
AE 4000007840000001  AR 4000000320000021  AT 4000000400000008  AU 4000000360000006
BE 4000000560000004  BG 4000001000000000  BR 4000000760000002  BY 4000001120000005
CA 4000001240000000  CH 4000007560000009  CL 4000001520000001  CN 4000001560000002
CO 4000001700000003  CR 4000001880000005  CY 4000001960000008  CZ 4000002030000002
DE 4000002760000016  DK 4000002080000001  EC 4000002180000000  EE 4000002330000009
ES 4000007240000007  FI 4000002460000001  FR 4000002500000003  GB 4000008260000000
GI 4000002920000005  GR 4000003000000030  HK 4000003440000004  HR 4000001910000009
HU 4000003480000005  IE 4000003720000005  IN 4000003560000008  IT 4000003800000008
JP 4000003920000003  LI 4000004380000004  LT 4000004400000000  LU 4000004420000006
LV 4000004280000005  MT 4000004700000007  MX 4000004840008001  MY 4000004580000002
NL 4000005280000002  NO 4000005780000007  NZ 4000005540000008  PA 4000005910000000
PE 4000006040000068  PL 4000006160000005  PT 4000006200000007  PY 4000006000000066
RO 4000006420000001  SA 4000006820000007  SE 4000007520000008  SG 4000007020000003
SI 4000007050000006  SK 4000007030000001  TH 4000007640000003  TW 4000001580000008
UY 4000008580000003
"""
_words = _COUNTRIES.split()
_BY_COUNTRY = dict(zip(_words[::2], _words[1::2], strict=True))
CARDS.update({number: Card("ok", country=code) for code, number in _BY_COUNTRY.items()})

# What follows `pm_card_` or `tok_`, and the number it stands for.
TOKENS: dict[str, str] = {
    "visa": "4242424242424242",
    "us": "4242424242424242",
    "visa_debit": "4000056655665556",
    "mastercard": "5555555555554444",
    "mastercard_debit": "5200828282828210",
    "mastercard_prepaid": "5105105105105100",
    "amex": "378282246310005",
    "amex_threeDSecureNotSupported": "378282246310005",
    "discover": "6011111111111117",
    "diners": "3056930009020004",
    "jcb": "3566002020360505",
    "unionpay": "6200000000000005",
    "visa_cartesBancaires": "4000002500001001",
    "mastercard_cartesBancaires": "5555552500001001",
    "visa_debit_eftposAuCoBranded": "4000050360000001",
    "mastercard_debit_eftposAuCoBranded": "5555050360000080",
    "debit_visaFsaProductCode": "4000051230000072",
    "debit_visaHsaProductCode": "4000051230000072",
    "mastercard_debit_mastercardFsaProductCode": "5200828282828897",
    "gb_debit": "4000058260000005",
    "gb_mastercard": "5555558265554449",
    "th_credit": "4000007640000003",
    "th_debit": "4000057640000008",
    "chargeDeclined": "4000000000000002",
    "chargeDeclinedInsufficientFunds": "4000000000009995",
    "visa_debit_chargeDeclinedInsufficientFunds": "4000009990000096",
    "chargeDeclinedLostCard": "4000000000009987",
    "chargeDeclinedStolenCard": "4000000000009979",
    "chargeDeclinedExpiredCard": "4000000000000069",
    "chargeDeclinedIncorrectCvc": "4000000000000127",
    "chargeDeclinedProcessingError": "4000000000000119",
    "chargeDeclinedVelocityLimitExceeded": "4000000000006975",
    "chargeDeclinedFraudulent": "4100000000000019",
    "chargeCustomerFail": "4000000000000341",
    "chargeCustomerFailLostCard": "4000009990000070",
    "chargeCustomerFailStolenCard": "4000009990000088",
    "radarBlock": "4100000000000019",
    "riskLevelHighest": "4000000000004954",
    "riskLevelElevated": "4000000000009235",
    "cvcCheckFail": "4000000000000101",
    "cvcCheckFailElevatedRisk": "4000058400307872",
    "avsZipFail": "4000000000000036",
    "avsZipFailElevatedRisk": "4000058400306072",
    "avsLine1Fail": "4000000000000028",
    "avsFail": "4000000000000010",
    "avsUnchecked": "4000000000000044",
    "createDispute": "4000000000000259",
    "createDisputeProductNotReceived": "4000000000002685",
    "createDisputeInquiry": "4000000000001976",
    "createIssuerFraudRecord": "4000000000005423",
    "createMultipleDisputes": "4000000404000079",
    "createCe3EligibleDispute": "4000000404000038",
    "createComplianceDispute": "4000008400000779",
    "pendingRefund": "4000000000007726",
    "refundFail": "4000000000005126",
    "bypassPending": "4000000000000077",
    "bypassPendingInternational": "4000003720000278",
    "domesticPricing": "4000000000000093",
    "authenticationRequired": "4000002760003184",
    "authenticationRequiredOnSetup": "4000002500003155",
    "authenticationRequiredSetupForOffSession": "4000003800000446",
    "authenticationRequiredChargeDeclinedInsufficientFunds": "4000008260003178",
    "threeDSecure2Required": "4000000000003220",
    "threeDSecureRequired": "4000000000003063",
    "threeDSecureRequiredChargeDeclined": "4000008400001629",
    "threeDSecureRequiredProcessingError": "4000008400001280",
    "threeDSecureOptional": "4000000000003055",
    "threeDSecureOptionalProcessingError": "4000000000003097",
    "slow": "4000009990000013",
    "pending": "4000009990000021",
    "pendingDeclined": "4000009990000039",
    "unknownOutcome": "4000009990000047",
    "unknownOutcomeDeclined": "4000009990000054",
    "incrementDeclined": "4000009990000062",
    **{code.lower(): number for code, number in _BY_COUNTRY.items()},
}
# Declining cards are written with and without their brand: `pm_card_visa_chargeDeclined`.
TOKENS.update({f"visa_{stem}": TOKENS[stem] for stem in list(TOKENS) if stem[:6] == "charge"})
