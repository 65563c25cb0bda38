"""Who a request is from: Basic credentials, checked like everybody's log-in, or the cookie of the console.

A log-in that is wrong is answered as late as all checks of that address are (runtime/login_queue.py).
"""

import asyncio
import binascii
from base64 import b64decode
from collections.abc import Mapping
from urllib.parse import parse_qsl

from mqbroker.errors import MqbrokerError
from mqbroker.management.bodies import parsed_body
from mqbroker.management.caller import Caller
from mqbroker.management.ground import Ground
from mqbroker.management.limits import LOGIN_TIMEOUT_S
from mqbroker.management.refusals import Refusal, bad_request, unauthorised
from mqbroker.management.session import Guest

_CHALLENGE = 'Basic realm="RabbitMQ Management"'


class LoginRequired(MqbrokerError):
    """Nobody knows who asks. `reason` is empty when no credentials were given."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def challenge(headers: Mapping[str, str]) -> dict[str, str]:
    """The header that has a browser ask for a password; pages that ask themselves say that they do."""
    return {} if "X-Requested-With" in headers else {"www-authenticate": _CHALLENGE}


def basic_credentials(header: str) -> tuple[str, str]:
    """User and password of an Authorization header. Raises Refusal for one that cannot be read."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer":
        raise LoginRequired("Login failed")
    try:
        if scheme.lower() != "basic":
            raise ValueError
        user, colon, password = b64decode(rest.strip(), validate=True).decode("utf-8", "surrogateescape").partition(":")
        if not colon:
            raise ValueError
    except (ValueError, binascii.Error):
        raise Refusal(400, "bad_request", "Bad authorization header") from None
    return user, password


def user_of_header(header: str) -> str:
    """The user whom an Authorization header names, for the access log; empty where it cannot be read."""
    try:
        return basic_credentials(header)[0].encode("unicode_escape").decode().replace(" ", "%20")
    except (LoginRequired, Refusal):
        return ""


def login_form(raw: bytes, content_type: str) -> tuple[str, str]:
    """User and password of a log-in, as a form or as JSON. Raises Refusal."""
    if content_type.startswith("application/x-www-form-urlencoded"):
        given: dict[str, object] = dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    else:
        given = parsed_body(raw, "") if raw else {}
    user, password = given.get("username"), given.get("password")
    if not isinstance(user, str) or not isinstance(password, str):
        raise bad_request("username and password should be strings")
    return user, password


async def log_in(ground: Ground, session: Guest, user: str, password: str) -> Caller:
    """The caller with that name and password. Raises LoginRequired, Refusal."""
    is_right = await _check(ground, session, user, password)
    services = ground.services
    reason = services.admission.why_refused(user, session.peer, is_right)
    if reason:
        ground.observations.refusals["HTTP"] += 1
        peer = session.peer
        ground.broker.events.tell(
            "user.refused", user=user, protocol="HTTP", peer=f"{peer.host}:{peer.port}", reason=reason
        )
        if is_right:
            raise unauthorised("User can only log in via localhost")
        raise LoginRequired("Login failed")
    session.logged_in()
    ground.observations.attempts["HTTP"] += 1
    return caller_named(ground, user)


def caller_named(ground: Ground, user: str) -> Caller:
    """The caller of that name. Raises LoginRequired for a user who is gone."""
    found = ground.broker.access.users.get(user)
    if found is None:
        raise LoginRequired("Login failed")
    return Caller(user, found.tags, ground.broker)


async def _check(ground: Ground, session: Guest, user: str, password: str) -> bool:
    answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def answered(is_right: bool) -> None:
        if not answer.done():
            answer.set_result(is_right)

    octets = password.encode("utf-8", "surrogateescape")
    authenticator = ground.services.authenticator
    authenticator.check(user, octets, answered, session.peer.host, lambda: not answer.done() and not session.is_closing)
    try:
        async with asyncio.timeout(LOGIN_TIMEOUT_S):
            return await answer
    except TimeoutError:
        return False
