"""What shows that somebody is a user, beside a password: a key that requests are signed with.

It owns what a credential of each kind looks like. Who may do what is decided elsewhere (access.py), and
passwords are kept as hashes, with their users (passwords.py).

The secret of an access key is kept as it is, because a signature can only be checked with the secret itself: it is as
good as a password in clear text, and is never shown or logged.
"""

import re
from dataclasses import dataclass, field

from mqbroker.errors import NotFound, PreconditionFailed
from mqbroker.limits import ACCESS_KEY_ID_CHARS_MAX, ACCESS_KEY_ID_CHARS_MIN

ACCESS_KEY = "access key"

_KEY_ID = re.compile(rf"\w{{{ACCESS_KEY_ID_CHARS_MIN},{ACCESS_KEY_ID_CHARS_MAX}}}", re.ASCII)
_ACCOUNT = re.compile(r"[0-9]{12}")


@dataclass(frozen=True, slots=True)
class Credential:
    """One credential of a user. One that changes is another object, for callers that remember what they derived."""

    kind: str
    id: str
    """What it is found by, among those of its kind."""
    user: str
    secret: str = field(repr=False)
    account: str = ""
    """What requests belong to that are made with it; empty for those that say so themselves."""


class Credentials:
    """Those of all users, by kind and id."""

    __slots__ = ("by_kind",)

    def __init__(self) -> None:
        self.by_kind: dict[str, dict[str, Credential]] = {ACCESS_KEY: {}}

    def put(self, credential: Credential) -> Credential:
        """Adds one, or replaces one of the same user. Raises PreconditionFailed."""
        kind, key = credential.kind, credential.id
        reason = access_key_fault(key, credential.secret, credential.account)
        if reason:
            raise PreconditionFailed(reason)
        found = self.by_kind[kind].get(key)
        if found is not None and found.user != credential.user:
            raise PreconditionFailed(f"{kind} '{key}' belongs to another user")
        self.by_kind[kind][key] = credential
        return credential

    def delete(self, kind: str, key: str) -> None:
        """Deletes one. Raises NotFound."""
        if self.by_kind[kind].pop(key, None) is None:
            raise NotFound(f"no {kind} '{key}'")

    def of(self, user: str) -> list[Credential]:
        """Those of a user."""
        return [each for found in self.by_kind.values() for each in found.values() if each.user == user]


def access_key(key_id: str, user: str, secret: str, account: str) -> Credential:
    """What a user signs requests with, and the 12-digit account that they belong to."""
    return Credential(ACCESS_KEY, key_id, user, secret, account)


def access_key_fault(key_id: str, secret: str, account: str) -> str:
    """Why an access key cannot be like that; empty when it can. An empty secret would let anyone in (CVE-2016-9877)."""
    if not _KEY_ID.fullmatch(key_id):
        return f"access key id '{key_id}' must be 16 to 128 letters, digits or underscores"
    if not secret:
        return f"access key '{key_id}' needs a secret that is not empty"
    if not _ACCOUNT.fullmatch(account):
        return f"access key '{key_id}' needs an account of 12 digits, not '{account}'"
    return ""
