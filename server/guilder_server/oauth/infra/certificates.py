"""What a proxy says of the certificate that a client has shown to it.

The header holds the certificate itself, as RFC 9440 writes it (`:base64:`), or its subject as
text. The proxy has checked it: here it only says who it is.
"""

from __future__ import annotations

import base64
import binascii

from cryptography import x509

_LONGEST = 16_384


def identities(header: str | None) -> frozenset[str]:
    """The names that it may be known by: its subject as RFC 4514 writes it, the URIs and the DNS
    names in it. None of what cannot be read."""
    if not header or len(header) > _LONGEST:
        return frozenset()
    if not (header.startswith(":") and header.endswith(":")):
        return frozenset({header})
    try:
        certificate = x509.load_der_x509_certificate(
            base64.b64decode(header.strip(":"), validate=True)
        )
        names = {certificate.subject.rfc4514_string()}
        names.update(_alternatives(certificate))
    except (binascii.Error, ValueError):
        return frozenset()
    return frozenset(name for name in names if name)


def _alternatives(certificate: x509.Certificate) -> set[str]:
    try:
        named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    uris = named.get_values_for_type(x509.UniformResourceIdentifier)
    # A DNS name that is written like a subject or a URI is not to be taken for one.
    hosts = [one for one in named.get_values_for_type(x509.DNSName) if not {*"=/:"} & {*one}]
    return {*(one for one in uris if "://" in one), *hosts}
