"""Tokens for services that ask for a signature."""

import asyncio
import threading
from collections.abc import Mapping

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mqbroker.aws.config import SnsConfig
from mqbroker.aws.sns import apns
from mqbroker.aws.sns.apns import Apns
from mqbroker.aws.sns.platforms import Application
from mqbroker.clock import Clock
from mqbroker.delivery import jwt
from mqbroker.delivery.errors import DeliveryFailed
from mqbroker.delivery.http import Response
from mqbroker.delivery.http2 import Http2Client
from mqbroker.delivery.limits import KEY_CHARS_MAX
from mqbroker.delivery.tls import Identity

KEY = ec.generate_private_key(ec.SECP256R1())
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


def test_keys_that_take_long_to_load_are_refused() -> None:
    """A key of a hundred thousand bits held everybody up, at each message."""
    assert jwt.signed({}, PEM + " " * (KEY_CHARS_MAX - len(PEM)), "k").count(".") == 2
    with pytest.raises(DeliveryFailed, match="too long") as failed:
        jwt.signed({}, PEM + " " * (KEY_CHARS_MAX - len(PEM) + 1), "k")
    assert failed.value.is_permanent


class Line(Http2Client):
    """Keeps what it is told to send."""

    def __init__(self) -> None:
        super().__init__(5)
        self.tokens: list[str] = []

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], identity: Identity | None = None
    ) -> Response:
        self.tokens.append(headers["authorization"])
        return Response(200, b"")


async def test_tokens_are_signed_once_and_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """To load a key and sign with it took fifty milliseconds of everybody's time."""
    threads: list[threading.Thread] = []

    def sign(claims: Mapping[str, object], key: str, key_id: str) -> str:
        threads.append(threading.current_thread())
        return jwt.signed(claims, key, key_id)

    monkeypatch.setattr(apns, "signed", sign)
    line = Line()
    sender = Apns(SnsConfig(), line, Clock())
    names = ("PlatformPrincipal", "PlatformCredential", "ApplePlatformTeamID", "ApplePlatformBundleID")
    application = Application("arn", "000000000000", dict(zip(names, ("k", PEM, "t", "app"), strict=True)))
    await asyncio.gather(*(sender.send(application, "APNS", "device", "text", {}) for _ in range(3)))
    assert len(set(line.tokens)) == 1
    assert len(threads) == 1
    assert threads[0] is not threading.current_thread()
