"""Currencies: how many decimals each has, and the least amount that may be charged.

Sources: ISO 4217 for the exponents; https://docs.stripe.com/currencies for the currencies
that are presentable, for those treated as having no decimals, and for the minimum charges.
"""

from __future__ import annotations

from guilder_server.kernel.errors import InvalidRequest

_TWO_DECIMALS = """
aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf
chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf
idr ils inr isk jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk
mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd
shp sle sos srd std szl thb tjs top try ttd twd tzs uah ugx usd uyu uzs wst xcd yer zar zmw
"""
_NO_DECIMALS = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
_THREE_DECIMALS = "bhd jod kwd omr tnd"

EXPONENTS: dict[str, int] = {
    **dict.fromkeys(_TWO_DECIMALS.split(), 2),
    **dict.fromkeys(_NO_DECIMALS.split(), 0),
    **dict.fromkeys(_THREE_DECIMALS.split(), 3),
}

MAXIMUM_CHARGE = 99_999_999  # eight digits of the minor unit, in every currency

_MINIMUM_CHARGE = {
    "aed": 200, "bgn": 100, "czk": 1500, "dkk": 250, "gbp": 30, "hkd": 400, "huf": 17500,
    "mxn": 1000, "myr": 200, "nok": 300, "pln": 200, "ron": 200, "sek": 300, "thb": 1000,
}  # fmt: skip

# Charged in whole units although two decimals are written: the last two digits must be 00.
# https://docs.stripe.com/currencies#special-cases
_WHOLE_UNITS = frozenset({"isk", "ugx"})
# These have such a rule for payouts only.
_PAID_OUT_WHOLE = frozenset({"huf", "twd"})


def named(given: str, param: str = "currency") -> str:
    """The currency in lower case. Raises for one that Guilder does not know."""
    currency = given.lower()
    if currency not in EXPONENTS:
        raise InvalidRequest(
            "parameter_invalid",
            f"Invalid currency: {given}. Use a three-letter ISO code that Guilder supports, "
            "such as usd, eur or jpy.",
            param,
        )
    return currency


def minimum_charge(currency: str) -> int:
    """The least amount in minor units: what the tables name, else fifty hundredths of the
    unit (fifty units where there are no decimals), and no less than one step of `granularity`."""
    default = 500 if EXPONENTS[currency] == 3 else 50
    return max(_MINIMUM_CHARGE.get(currency, default), granularity(currency))


def granularity(currency: str) -> int:
    """Charges must be a multiple of this many minor units. Three-decimal currencies end in 0,
    since the networks settle them in hundredths."""
    if EXPONENTS[currency] == 3:
        return 10
    return 100 if currency in _WHOLE_UNITS else 1


def payout_granularity(currency: str) -> int:
    """Payouts must be a multiple of this many minor units."""
    return 100 if currency in _PAID_OUT_WHOLE else granularity(currency)


def display(amount: int, currency: str) -> str:
    """`1234, "usd"` → `12.34 USD`, for messages that people read."""
    return f"{in_units(amount, currency)} {currency.upper()}"


def in_units(amount: int, currency: str) -> str:
    """`1234, "usd"` → `12.34`, all decimals that the currency has."""
    exponent = EXPONENTS[currency]
    if exponent == 0:
        return str(amount)
    sign = "-" if amount < 0 else ""
    whole, rest = divmod(abs(amount), 10**exponent)
    return f"{sign}{whole}.{rest:0{exponent}d}"
