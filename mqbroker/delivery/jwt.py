"""JSON Web Tokens as services ask for them of who sends: claims with a signature by the sender's private key.

RFC 7515 §3.1, with the algorithms of RFC 7518 that a key calls for: ES256 for one of P-256, RS256 for one of RSA.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from mqbroker.delivery.errors import DeliveryFailed
from mqbroker.delivery.limits import KEY_CHARS_MAX

_COORDINATE_BYTES = 32  # of P-256


def signed(claims: Mapping[str, object], key_pem: str, key_id: str) -> str:
    """A token with these claims. Raises DeliveryFailed for what is no such key.

    That takes a while: it is for a thread.
    """
    key = _key(key_pem)
    algorithm = "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256"
    header = {"alg": algorithm, "typ": "JWT", "kid": key_id}
    text = f"{_encoded(orjson.dumps(header))}.{_encoded(orjson.dumps(claims))}"
    return f"{text}.{_encoded(_signature(key, text.encode()))}"


def _key(pem: str) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    if len(pem) > KEY_CHARS_MAX:
        raise DeliveryFailed("the credential of the application is too long for a private key", is_permanent=True)
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    is_p256 = isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)
    if not is_p256 and not isinstance(key, rsa.RSAPrivateKey):
        raise DeliveryFailed("the credential of the application is not a private key", is_permanent=True)
    assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    return key


def _signature(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, text: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    r, s = utils.decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
