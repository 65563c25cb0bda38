"""The operator's keys ("master keys"), and the key block in which each segment keeps its data key wrapped by one.

An encrypted segment (version 2) has the key block between its header and its first frame. Little endian.

     0         8             20                     68         76      80
    +---------+-------------+----------------------+----------+-------+
    | master  | nonce       | data key, sealed     | reserved | crc32c|
    | key id  | random, 12  | with its tag, 48     | 0        |       |
    +---------+-------------+----------------------+----------+-------+

The data key is sealed by AES-256-GCM with the header as context, so a key block opens only with its own header. `crc`
covers the rest of the block. The id of a master key is a hash: it tells which key is needed, and nothing about it.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from struct import Struct
from typing import NamedTuple

from crc32c import crc32c
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mqbroker.errors import KeyMissing
from mqbroker.storage.keys.cipher import KEY_BYTES, NONCE_BYTES, DataKey

KEY_ID_BYTES = 8
KEY_BLOCK_BYTES = 80

_ID_LABEL = b"mqbroker journal master key"
_BLOCK = Struct("<8s12s48s8xI")
_COVERED_BYTES = KEY_BLOCK_BYTES - 4
assert _BLOCK.size == KEY_BLOCK_BYTES


class KeyBlock(NamedTuple):
    """What a key block says. None of it is secret."""

    key_id: str
    """The id of the master key, in hexadecimal digits."""
    nonce: bytes
    wrapped: bytes


def pack_key_block(block: KeyBlock) -> bytes:
    """The encoded key block."""
    blank = _BLOCK.pack(bytes.fromhex(block.key_id), block.nonce, block.wrapped, 0)
    return blank[:_COVERED_BYTES] + crc32c(blank[:_COVERED_BYTES]).to_bytes(4, "little")


def read_key_block(data: bytes, offset: int) -> KeyBlock | None:
    """The key block at `offset` of a segment, or None when there is no whole and undamaged one."""
    block = data[offset : offset + KEY_BLOCK_BYTES]
    if len(block) < KEY_BLOCK_BYTES:
        return None
    key_id, nonce, wrapped, crc = _BLOCK.unpack(block)
    return KeyBlock(key_id.hex(), nonce, wrapped) if crc32c(block[:_COVERED_BYTES]) == crc else None


def key_id_of(secret: bytes) -> str:
    """The id of a master key, in hexadecimal digits."""
    return sha256(_ID_LABEL + secret).digest()[:KEY_ID_BYTES].hex()


class Keyring:
    """Master keys. The first one wraps the keys of new segments, every one opens those that it wrapped."""

    __slots__ = ("_keys", "key_id")

    def __init__(self, secrets: Sequence[bytes]) -> None:
        """At least one key, of 32 random bytes each."""
        self._keys = {key_id_of(secret): AESGCM(secret) for secret in secrets}
        self.key_id = key_id_of(secrets[0])
        """The id of the first key."""

    def wrap(self, header: bytes, entropy: Callable[[int], bytes]) -> tuple[DataKey, KeyBlock]:
        """A new data key for the segment with this encoded header."""
        secret, nonce = entropy(KEY_BYTES), entropy(NONCE_BYTES)
        return DataKey(secret), KeyBlock(self.key_id, nonce, self._keys[self.key_id].encrypt(nonce, secret, header))

    def unwrap(self, name: str, header: bytes, block: KeyBlock) -> DataKey | None:
        """The data key of the segment `name`; None when its header and its key block do not belong together.

        KeyMissing when another master key is needed.
        """
        key = self._keys.get(block.key_id)
        if key is None:
            raise KeyMissing(name, block.key_id, f"what is given is {' and '.join(self._keys)}")
        try:
            return DataKey(key.decrypt(block.nonce, block.wrapped, header))
        except InvalidTag:
            return None
