"""The cipher of a segment: its data key, and how that seals the payloads of frames and opens them again.

AES-256-GCM, one call for a batch. A data key is random and serves one segment, in which the numbers of batches only
rise, so the number is the nonce and is never used twice with a key (NIST SP 800-38D §8.2.1). What the frame's header
says is authenticated with the payload: a batch cannot take another one's place.

    sealed payload: ciphertext, as long as the payload | tag, 16 bytes

A filler, which a repair puts in the place of lost batches, may cover the number of a batch that was sealed already.
It hides nothing, so it is only marked: zeros, and an HMAC-SHA256 in the place of the tag.
"""

from hashlib import sha256
from hmac import compare_digest, digest

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mqbroker.storage.log.frame import FLAG_FILLER, TAG_BYTES, Frame, associated_data

KEY_BYTES = 32
NONCE_BYTES = 12

_MARK_LABEL = b"mqbroker journal filler"


class DataKey:
    """The key of one segment. No attribute holds its secret, so that no `repr` or log can show it."""

    __slots__ = ("_aead", "_marker")

    def __init__(self, secret: bytes) -> None:
        """`secret` is 32 random bytes."""
        self._aead = AESGCM(secret)
        self._marker = digest(secret, _MARK_LABEL, "sha256")

    def seal(self, frame: Frame, payload: bytes, previous_crc: int) -> bytes:
        """The payload as it goes to the disk, for a frame that has not been packed yet."""
        context = associated_data(frame, len(payload) + TAG_BYTES, previous_crc)
        return self._aead.encrypt(_nonce(frame.lsn), payload, context)

    def mark(self, frame: Frame, payload_bytes: int, previous_crc: int) -> bytes:
        """The payload of a filler, `payload_bytes` long with its mark."""
        context = associated_data(frame, payload_bytes, previous_crc)
        return bytes(payload_bytes - TAG_BYTES) + self._mark(context)

    def open(self, frame: Frame, sealed: memoryview) -> bytes | None:
        """The payload of a frame that was read; None when it is not what was sealed or marked with this key."""
        context = associated_data(frame, frame.payload_bytes, frame.previous_crc)
        if frame.flags & FLAG_FILLER:
            zeros = bytes(max(0, len(sealed) - TAG_BYTES))
            return zeros if compare_digest(sealed, zeros + self._mark(context)) else None
        try:
            return self._aead.decrypt(_nonce(frame.lsn), sealed, context)
        except InvalidTag:
            return None

    def _mark(self, context: bytes) -> bytes:
        return digest(self._marker, context, sha256)[:TAG_BYTES]


def _nonce(lsn: int) -> bytes:
    return lsn.to_bytes(NONCE_BYTES, "big")
