"""Access keys of users, with which requests to AWS services are signed: made here, and shown once.

The paths are below /api/mqbroker.
"""

import secrets
import string
from typing import Any

from mqbroker.core.access.access import User
from mqbroker.management.answers import NO_CONTENT, Answer
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import ADMINISTRATOR
from mqbroker.management.limits import ACCESS_KEYS_MAX
from mqbroker.management.refusals import bad_request, missing

_ID_LETTERS = string.ascii_uppercase + "234567"  # as AWS's: base 32, after a prefix that says what it is
_PREFIX, _ID_CHARS = "AKIA", 20
_SECRET_LETTERS, _SECRET_CHARS = string.ascii_letters + string.digits + "+/", 40
_ACCOUNT = "000000000000"


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("mqbroker/users/:user/access-keys", ADMINISTRATOR, GET=access_keys, POST=make)
    routes.add("mqbroker/users/:user/access-keys/:key", ADMINISTRATOR, DELETE=delete)


def _found(call: Call) -> User:
    user = call.ground.broker.access.users.get(call.name("user"))
    if user is None:
        raise missing()
    return user


def access_keys(call: Call) -> Answer:
    """GET mqbroker/users/U/access-keys: without their secrets."""
    keys = call.ground.broker.access.access_keys_of(_found(call).name)
    return Answer(body=[{"id": key.id, "account": key.account} for key in sorted(keys, key=lambda each: each.id)])


def make(call: Call) -> Answer:
    """POST mqbroker/users/U/access-keys {account}: a new key, whose secret nobody is told again."""
    user, broker = _found(call), call.ground.broker
    if user.name in broker.provisional_users:
        raise bad_request("the user is one of another service, and not kept here")
    if len(broker.access.access_keys_of(user.name)) >= ACCESS_KEYS_MAX:
        raise bad_request(f"a user has {ACCESS_KEYS_MAX} access keys at most")
    key: dict[str, Any] = {
        "id": _PREFIX + _letters(_ID_LETTERS, _ID_CHARS - len(_PREFIX)),
        "secret": _letters(_SECRET_LETTERS, _SECRET_CHARS),
        "account": call.string("account", _ACCOUNT),
    }
    broker.put_access_key(user.name, key["id"], key["secret"], key["account"])
    return Answer(201, key)


def _letters(letters: str, count: int) -> str:
    return "".join(secrets.choice(letters) for _ in range(count))


def delete(call: Call) -> Answer:
    """DELETE mqbroker/users/U/access-keys/K: requests that are signed with it are refused from now on."""
    user, key_id = _found(call), call.name("key")
    if key_id not in {key.id for key in call.ground.broker.access.access_keys_of(user.name)}:
        raise missing()
    call.ground.broker.delete_access_key(key_id)
    return NO_CONTENT
