"""SCRAM-SHA-256 (RFC 5802) as a client speaks it."""

import base64
import hashlib
import hmac


class ScramClient:
    """One log-in."""

    def __init__(self, user: str, password: bytes) -> None:
        self.password = password
        self.bare = f"n={user},r=clientnonce".encode()
        self.first = b"n,," + self.bare

    def final(self, challenge: bytes) -> bytes:
        fields = dict(part.split(b"=", 1) for part in challenge.split(b","))
        salted = hashlib.pbkdf2_hmac("sha256", self.password, base64.b64decode(fields[b"s"]), int(fields[b"i"]))
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        start = b"c=biws,r=" + fields[b"r"]
        message = self.bare + b"," + challenge + b"," + start
        signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        self.signature = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), message, "sha256")
        return start + b",p=" + base64.b64encode(proof)
