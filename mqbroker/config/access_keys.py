"""The access keys of users, with which requests are signed: how they are written, and what they may be made of."""

import re
from dataclasses import dataclass

from mqbroker.config.option import option
from mqbroker.limits import ACCESS_KEY_ID_CHARS_MAX, ACCESS_KEY_ID_CHARS_MIN

_ACCOUNT = re.compile(r"[0-9]{12}")
_KEY_ID = re.compile(rf"\w{{{ACCESS_KEY_ID_CHARS_MIN},{ACCESS_KEY_ID_CHARS_MAX}}}", re.ASCII)


def parse_account(text: str) -> str:
    """Raises ValueError with the reason, which continues a sentence that names the option."""
    if not _ACCOUNT.fullmatch(text):
        raise ValueError(f"must be 12 digits, not {text!r}")
    return text


def _key_id(text: str) -> str:
    if not _KEY_ID.fullmatch(text):
        raise ValueError(f"must be 16 to 128 letters, digits or underscores, not {text!r}")
    return text


def _secret(text: str) -> str:
    # CVE-2016-9877: an empty secret must never let anyone in.
    if not text:
        raise ValueError("must not be empty")
    return text


@dataclass(frozen=True, slots=True)
class AccessKeyDefinition:
    """[[users.access_keys]]: created at the start unless there is a key with that id."""

    id: str = option("", "The access key id.", parse=_key_id)
    secret: str = option("", "The secret access key, in clear text.", parse=_secret, is_secret=True)
    account: str = option("", "The account that requests belong to; empty is the default account.", parse=parse_account)
