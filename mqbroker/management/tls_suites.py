"""Cipher suites of TLS in RabbitMQ's three words: key exchange, cipher, hash.

TLS_AES_256_GCM_SHA384           any, aes_256_gcm, aead        TLS 1.3: what exchanges the keys is not part of it
ECDHE-RSA-AES128-GCM-SHA256      ecdhe_rsa, aes_128_gcm, aead
ECDHE-ECDSA-AES256-SHA384        ecdhe_ecdsa, aes_256_cbc, sha384
"""

import re

_AEAD = ("_gcm", "_ccm", "_ccm8", "_poly1305")
_KEY_EXCHANGES = frozenset(("ecdhe", "dhe", "ecdh", "dh", "rsa", "ecdsa", "dss", "psk", "srp"))
_HASH = re.compile(r"_(sha\d*|md5)$")


def suite_of(name: str) -> tuple[str, str, str]:
    """The words for a suite as OpenSSL calls it."""
    words = name.lower().replace("-", "_")
    if words.startswith("tls_"):
        exchange, rest = "any", words.removeprefix("tls_")
    else:
        parts = words.split("_")
        count = next((at for at, part in enumerate(parts) if part not in _KEY_EXCHANGES), len(parts))
        exchange, rest = "_".join(parts[:count]) or "rsa", "_".join(parts[count:])
    found = _HASH.search(rest)
    cipher = re.sub(r"^(aes|aria|camellia)(\d)", r"\1_\2", rest[: found.start()] if found else rest)
    if cipher.endswith(_AEAD):
        return exchange, cipher, "aead"
    return exchange, f"{cipher}_cbc", found[1] if found else ""
