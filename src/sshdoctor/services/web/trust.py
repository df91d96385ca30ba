"""Whether a server's certificate is to be trusted, and what it says."""

from __future__ import annotations

import ssl
from functools import lru_cache

from sshdoctor.model import Certificate

# X509_verify_cert's codes (openssl/x509_vfy.h).
_EXPIRED = (9, 10)
_MISMATCH = (62, 63, 64)


@lru_cache(maxsize=16)
def context(ca_file: str) -> ssl.SSLContext:
    """One that checks everything, by the system's store and the authority in ``ca_file``, if one is named.

    It is kept: to read the system's store takes longer than to ask for a page.
    """
    made = ssl.create_default_context()
    if ca_file:
        made.load_verify_locations(cafile=ca_file)
    return made


def unchecking() -> ssl.SSLContext:
    """One that checks nothing: only to see what is shown."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


def word(error: ssl.SSLError) -> str:
    """The reply word for a handshake that failed."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return "tls-failed"
    if error.verify_code in _EXPIRED:
        return "certificate-expired"
    return "certificate-mismatch" if error.verify_code in _MISMATCH else "certificate-untrusted"


def reason(error: ssl.SSLError) -> str:
    """OpenSSL's own words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return str(error.verify_message)
    return str(error.reason or error).replace("_", " ").lower()


def certificate(shown: bytes | None) -> Certificate | None:
    """What a certificate in DER says, None if it cannot be read."""
    if not shown:
        return None
    from hashlib import sha256

    from cryptography import x509  # 20 ms that only TLS needs

    try:
        read = x509.load_der_x509_certificate(shown)
        names = [str(one.value) for one in read.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
        try:
            other = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            names += other.get_values_for_type(x509.DNSName)
        except x509.ExtensionNotFound:
            pass
        return Certificate(
            names=tuple(dict.fromkeys(names)),
            issuer=read.issuer.rfc4514_string(),
            begins=read.not_valid_before_utc.timestamp(),
            ends=read.not_valid_after_utc.timestamp(),
            fingerprint=sha256(shown).hexdigest(),
        )
    except ValueError:
        return None
