"""JSON Web Signatures, by joserfc. Each call names the one algorithm that its key is for, so that
what a token says about itself decides nothing."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from guilder_server.oauth.domain.signing import SigningKey
from guilder_server.oauth.domain.tokens import ALGORITHM, TYPE, BadToken
from guilder_server.postgres.seals import Seals

# Its new name is Ed25519; clients still write the old one.
warnings.filterwarnings("ignore", "EdDSA is deprecated", SecurityWarning)

LEAST_RSA_BITS = 2048
ASSERTION_ALGORITHMS = ("ES256", "Ed25519", "EdDSA", "PS256", "RS256")

Key = ECKey | OKPKey | RSAKey


def new_key() -> tuple[dict[str, str], bytes]:
    """A key pair: its public half as a JWK, its private one as PEM."""
    key = ECKey.generate_key("P-256", private=True)
    public = {name: str(value) for name, value in key.as_dict(private=False).items()}
    public |= {"kid": key.thumbprint(), "alg": ALGORITHM, "use": "sig"}
    return public, key.as_pem(private=True)


def purpose(kid: str) -> bytes:
    """What a private half is sealed for: moved to another row, it does not open."""
    return f"oauth signing key {kid}".encode()


class Jose:
    def __init__(self, seals: Seals) -> None:
        self._seals = seals
        self._private: tuple[str, ECKey] | None = None

    def sign(self, claims: Mapping[str, Any], key: SigningKey) -> str:
        header = {"alg": ALGORITHM, "typ": TYPE, "kid": key.kid}
        registry = JWSRegistry(algorithms=[ALGORITHM])
        return jwt.encode(header, dict(claims), self._opened(key), registry=registry)

    def verified(self, token: str, public: Mapping[str, str]) -> Mapping[str, Any]:
        return _claims(token, ECKey.import_key(dict(public)), [ALGORITHM])

    def asserted(self, assertion: str, public_keys: Sequence[str]) -> Mapping[str, Any]:
        for pem in public_keys:
            key, algorithms = _public_key(pem)
            try:
                return _claims(assertion, key, algorithms)
            except BadToken:
                continue
        raise BadToken("signature")

    def check_public_key(self, pem: str) -> None:
        _public_key(pem)

    def _opened(self, key: SigningKey) -> ECKey:
        if self._private is None or self._private[0] != key.kid:
            pem = self._seals.open(key.sealed, purpose(key.kid))
            self._private = (key.kid, ECKey.import_key(pem))
        return self._private[1]


def _claims(token: str, key: Key, algorithms: list[str]) -> Mapping[str, Any]:
    try:
        found = jwt.decode(token, key, registry=JWSRegistry(algorithms=algorithms))
    except (JoseError, ValueError, TypeError, RecursionError):
        raise BadToken("signature") from None
    return found.claims


def _public_key(pem: str) -> tuple[Key, list[str]]:
    """A key with the algorithms that it may be used with. Raises ValueError."""
    try:
        loaded = load_pem_public_key(pem.encode())
    except Exception:  # noqa: BLE001 - whatever it met, the text is no public key, and may be a private one
        raise ValueError("it is not the PEM of a public key (BEGIN PUBLIC KEY)") from None
    match loaded:
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
            return ECKey.import_key(pem), ["ES256"]
        case ed25519.Ed25519PublicKey():
            return OKPKey.import_key(pem), ["Ed25519", "EdDSA"]
        case rsa.RSAPublicKey() if loaded.key_size >= LEAST_RSA_BITS:
            return RSAKey.import_key(pem), ["PS256", "RS256"]
    raise ValueError(f"it must be of P-256, Ed25519, or RSA with {LEAST_RSA_BITS} bits or more")
