"""What requests of one client in one second have in common under AWS Signature Version 4, hashed already.

    canonical request: method \n path \n query \n header lines \n\n signed names \n | hash of the payload
    string to sign:    algorithm \n timestamp \n scope \n                           | hash of the canonical request

Left of the bar little changes from request to request; both hashes (the second one is the inner one of an HMAC) go on
from there. Whether the signature is right is not decided here.
"""

from collections.abc import Sequence
from hashlib import sha256

from mqbroker.aws.auth.canonical import canonical_lines, canonical_path
from mqbroker.aws.auth.signing_keys import SigningKey

ALGORITHM = "AWS4-HMAC-SHA256"


class SignedHead:
    """The head of one request's signature."""

    __slots__ = ("_canonical", "_inner", "_signing_key")

    def __init__(
        self,
        method: str,
        path: str,
        query: str,
        names: Sequence[str],
        values: list[str],
        timestamp: str,
        scope: str,
        signing_key: SigningKey,
    ) -> None:
        """`path` as it came, `query` in its canonical form; `values` are those of the headers `names`."""
        lines = canonical_lines(names, values)
        head = f"{method}\n{canonical_path(path)}\n{query}\n{lines}\n{';'.join(names)}\n"
        self._canonical = sha256(head.encode("latin-1"))
        self._inner = signing_key.begin(f"{ALGORITHM}\n{timestamp}\n{scope}\n".encode())
        self._signing_key = signing_key

    def signature(self, payload_hash: str) -> str:
        """The signature with the payload's hash, both in hexadecimal digits."""
        canonical = self._canonical.copy()
        canonical.update(payload_hash.encode())
        inner = self._inner.copy()
        inner.update(canonical.hexdigest().encode())
        return self._signing_key.finish(inner)
