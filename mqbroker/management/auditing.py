"""What the audit trail is told of the management API: each call with who made it, what for, and what came of it.

Passwords, hashes and definitions are not kept, nor payloads, and no query that could hold one.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mqbroker.errors import MqbrokerError
from mqbroker.limits import AUDIT_PARAMETERS_BYTES_MAX
from mqbroker.management.answers import Answer
from mqbroker.management.bodies import parsed_body
from mqbroker.management.caller import Caller
from mqbroker.management.ground import Ground
from mqbroker.management.refusals import Refusal
from mqbroker.protocols.auditing import HIDDEN, STARS, hidden, redacted
from mqbroker.protocols.plain_json import dump
from mqbroker.protocols.session import Peer

SOURCE = "management.mqbroker"
SIGN_IN_SOURCE = "signin.mqbroker"
ACCOUNT = "000000000000"

_SECRETS = {"password": STARS, "password_hash": STARS, "secret": STARS, "payload": HIDDEN, "properties": HIDDEN}
_CONFIGURATION = ("definitions", "all-configuration")
_ALWAYS = (
    "definitions",
    "all-configuration",
    "mqbroker/queues/:vhost/:queue/messages",
    "mqbroker/queues/:vhost/:queue/unacked",
    "mqbroker/audit",
    "mqbroker/trace",
)
"""Readings that are recorded even where readings are not: they show what is in messages, or everything."""
_VERBS = {"GET": "Get", "HEAD": "Get", "PUT": "Put", "POST": "Post", "DELETE": "Delete"}
_NAMES = {
    "DELETE queues/:vhost/:queue/contents": "PurgeQueue",
    "POST queues/:vhost/:queue/get": "GetMessages",
    "POST exchanges/:vhost/:exchange/publish": "PublishMessage",
    "GET mqbroker/queues/:vhost/:queue/messages": "BrowseMessages",
    "GET mqbroker/queues/:vhost/:queue/unacked": "BrowseMessages",
    "POST mqbroker/queues/:vhost/:queue/move": "MoveMessages",
    "POST users/bulk-delete": "DeleteUsers",
    "POST bindings/:vhost/e/:exchange/q/:queue": "PutBinding",
    "POST bindings/:vhost/e/:exchange/e/:destination": "PutBinding",
    "POST definitions": "ImportDefinitions",
    "POST definitions/:vhost": "ImportDefinitions",
    "POST all-configuration": "ImportDefinitions",
    "GET definitions": "ExportDefinitions",
    "GET definitions/:vhost": "ExportDefinitions",
    "GET all-configuration": "ExportDefinitions",
    "DELETE connections/:connection": "CloseConnection",
    "DELETE connections/username/:user": "CloseConnectionsOfUser",
    "GET mqbroker/users/:user/access-keys": "ListAccessKeys",
    "POST mqbroker/users/:user/access-keys": "CreateAccessKey",
    "DELETE mqbroker/users/:user/access-keys/:key": "DeleteAccessKey",
    "POST mqbroker/traces/:vhost": "BeginTrace",
    "DELETE mqbroker/traces/:vhost": "EndTrace",
    "POST mqbroker/pair/switchover": "SwitchOver",
    "POST mqbroker/queues/:vhost/:queue/pause": "PauseQueue",
    "POST mqbroker/queues/:vhost/:queue/resume": "ResumeQueue",
    "POST vhosts/:vhost/deletion/protection": "ProtectVhost",
    "DELETE vhosts/:vhost/deletion/protection": "UnprotectVhost",
}


@dataclass(slots=True)
class Deed:
    """A call while it is made."""

    method: str
    path: str
    """With variables, such as `queues/:vhost/:queue`."""
    names: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    peer: Peer
    raw: bytes = b""
    caller: Caller | None = None
    claimed_user: str = ""
    """Who the caller says to be, also when that was not shown."""

    @property
    def is_reading(self) -> bool:
        """Whether it changes nothing."""
        return self.method in ("GET", "HEAD")


def event_name(method: str, path: str) -> str:
    """What a call is called in the trail."""
    method = "GET" if method == "HEAD" else method
    named = _NAMES.get(f"{method} {path}")
    if named is not None:
        return named
    words = [part for part in path.replace("mqbroker/", "").split("/") if part[0] != ":" and len(part) > 1]
    if method != "GET":
        words = [_singular(word) for word in words]
    return _VERBS.get(method, method.capitalize()) + "".join(
        part.capitalize() for word in words for part in word.replace("_", "-").split("-")
    )


def _singular(word: str) -> str:
    return f"{word[:-3]}y" if word.endswith("ies") else word.removesuffix("s")


class Auditor:
    """Tells the trail of one broker."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def done(self, deed: Deed, answer: Answer) -> None:
        """A call was answered."""
        if self._is_wanted(deed):
            code = "" if answer.status < 400 else str(answer.status)
            self._record(deed, code, "", None if deed.is_reading else answer.body)

    def refused(self, deed: Deed, error: MqbrokerError) -> None:
        """A call was refused: the trail has it always, unless nobody said that it is theirs."""
        if deed.caller is None and not deed.claimed_user:
            return
        code = error.error if isinstance(error, Refusal) else type(error).__name__
        self._record(deed, code, str(error), None)

    def signed_in(self, peer: Peer, headers: Mapping[str, str], user: str, reason: str) -> None:
        """Somebody has tried to log in at the console; `reason` is empty when they are in."""
        identity = (
            self._identity(user) if not reason or self._is_user(user) else {"type": "IAMUser", "userName": HIDDEN}
        )
        outcome = "Failure" if reason else "Success"
        self._ground.services.audit.record(
            {
                **_basis(identity, peer, headers),
                "eventSource": SIGN_IN_SOURCE,
                "eventName": "ConsoleLogin",
                "requestParameters": None,
                "responseElements": {"ConsoleLogin": outcome},
                **({"errorMessage": "Failed authentication"} if reason else {}),
                "readOnly": False,
                "eventType": "AwsConsoleSignIn",
            },
            is_stranger=bool(reason),
        )

    # --- the record ---------------------------------------------------------------------------------------------------

    def _is_wanted(self, deed: Deed) -> bool:
        return not deed.is_reading or self._ground.services.audit.has_reads or deed.path.startswith(_ALWAYS)

    def _record(self, deed: Deed, code: str, message: str, result: object) -> None:
        errors = {"errorCode": code, "errorMessage": message} if code else {}
        self._ground.services.audit.record(
            {
                **_basis(self._who(deed), deed.peer, deed.headers),
                "eventSource": SOURCE,
                "eventName": event_name(deed.method, deed.path),
                "requestParameters": _parameters(deed),
                "responseElements": _bounded(hidden(result, _SECRETS)) if isinstance(result, dict) else None,
                **errors,
                "requestID": str(uuid.uuid4()),
                "readOnly": deed.is_reading,
                "eventType": "AwsApiCall",
            },
            is_stranger=deed.caller is None,
        )

    def _who(self, deed: Deed) -> dict[str, object]:
        if deed.caller is not None and deed.caller.is_owner:
            return {"type": "Root", "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT}
        if deed.caller is not None and deed.caller.name:
            return self._identity(deed.caller.name)
        if not deed.claimed_user:
            return {"type": "Unknown"}
        # A name that nobody has may be a password that was typed into the wrong field.
        return {"type": "IAMUser", "userName": deed.claimed_user if self._is_user(deed.claimed_user) else HIDDEN}

    def _is_user(self, name: str) -> bool:
        return name in self._ground.broker.access.users

    def _identity(self, user: str) -> dict[str, object]:
        arn = f"arn:aws:iam::{ACCOUNT}:user/{user}"
        return {"type": "IAMUser", "principalId": user, "arn": arn, "accountId": ACCOUNT, "userName": user}


def _basis(identity: Mapping[str, object], peer: Peer, headers: Mapping[str, str]) -> dict[str, object]:
    return {
        "userIdentity": identity,
        "awsRegion": "",
        "sourceIPAddress": peer.host,
        "userAgent": headers.get("user-agent", ""),
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    }


def _parameters(deed: Deed) -> object:
    found: dict[str, Any] = {**deed.names, **deed.query}
    if deed.raw and deed.path.partition("/")[0] in _CONFIGURATION:
        found["body"] = STARS
    elif deed.raw:
        found |= _body(deed)
    return _bounded(redacted(hidden(found, _SECRETS)))


def _body(deed: Deed) -> dict[str, Any]:
    if len(deed.raw) > AUDIT_PARAMETERS_BYTES_MAX:
        return {"body": f"{len(deed.raw)} octets"}
    try:
        return {name: value for name, value in parsed_body(deed.raw, "").items() if name not in deed.names}
    except Refusal:
        return {"body": f"{len(deed.raw)} octets that are no JSON object"}


def _bounded(value: object) -> object:
    size = len(dump(value))
    return value if size <= AUDIT_PARAMETERS_BYTES_MAX else {"omitted": f"{size} octets"}
