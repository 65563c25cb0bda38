"""Users: made, changed and deleted at run time, in force at once; whoever is deleted or changed has to log in again.

Passwords are hashed in a thread, as a hash costs a fifth of a second on purpose. RabbitMQ's hashes are
taken as they are.
"""

import asyncio
import binascii
import secrets
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from mqbroker.core.access.access import User
from mqbroker.core.access.passwords import SALT_BYTES, hash_password, is_known_format
from mqbroker.management.answers import NO_CONTENT, Answer, Listing, put_answer
from mqbroker.management.api.vhosts import tag_list
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import ADMINISTRATOR
from mqbroker.management.ground import Ground
from mqbroker.management.refusals import bad_request, missing

ALGORITHMS = {
    "rabbit_password_hashing_sha256": 36,
    "rabbit_password_hashing_sha512": 68,
    "rabbit_password_hashing_md5": 20,
    "mqbroker_scrypt": 0,
}
"""Of hashes, and how many octets one has; ours is a text."""
_WITH_NAMES = ("scrypt$", "scram-", "$6$", "$7$")
"""How the hashes begin that say what they are."""
_TAGS_MAX = 100


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("users", ADMINISTRATOR, GET=users)
    routes.add("users/without-permissions", ADMINISTRATOR, GET=without_permissions)
    routes.add("users/bulk-delete", ADMINISTRATOR, POST=bulk_delete)
    routes.add("users/:user", ADMINISTRATOR, GET=user, PUT=put_user, DELETE=delete_user)
    routes.add("auth/hash_password", ADMINISTRATOR, PUT=hash_one, POST=hash_one)
    routes.add("auth/attempts/:node", "monitoring", GET=attempts)
    routes.add("auth/attempts/:node", ADMINISTRATOR, DELETE=forget_attempts)
    routes.add("auth/attempts/:node/source", "monitoring", GET=attempts_by_source)
    routes.add("auth/attempts/:node/source", ADMINISTRATOR, DELETE=forget_attempts)


def users(call: Call) -> Listing:
    """GET users."""
    return _listing(list(call.ground.broker.access.users.values()))


def _listing(found: list[User]) -> Listing:
    return Listing(found, describe, lambda each: (each.name,))


def without_permissions(call: Call) -> Listing:
    """GET users/without-permissions."""
    return _listing([each for each in call.ground.broker.access.users.values() if not each.permissions])


def describe(each: User) -> dict[str, Any]:
    """A user."""
    limits = {"max-connections": each.limits.max_connections, "max-channels": each.limits.max_channels}
    return {
        "name": each.name,
        "password_hash": each.password_hash,
        "hashing_algorithm": algorithm_of(each.password_hash),
        "tags": sorted(each.tags),
        "limits": {name: limit for name, limit in limits.items() if limit >= 0},
    }


def algorithm_of(password_hash: str) -> str:
    """The name of how a hash was made."""
    if password_hash.startswith("scrypt$"):
        return "mqbroker_scrypt"
    if password_hash.startswith("scram-sha-256$"):
        return "mqbroker_scram_sha256"
    is_long = len(password_hash) > 60  # of 68 octets, Base64 makes 92 letters; of 36, 48
    return "rabbit_password_hashing_sha512" if is_long else "rabbit_password_hashing_sha256"


def user(call: Call) -> Answer:
    """GET users/U."""
    return Answer(body=describe(_found(call)))


def _found(call: Call) -> User:
    found = call.ground.broker.access.users.get(call.name("user"))
    if found is None:
        raise missing()
    return found


async def put_user(call: Call) -> Answer:
    """PUT users/U."""
    name, broker = call.name("user"), call.ground.broker
    tags, password_hash = await user_values(call.body)
    is_new = name not in broker.access.users
    put(call.ground, name, password_hash, tags, call.now)
    return put_answer(is_new)


def put(ground: Ground, name: str, password_hash: str, tags: list[str], now: int) -> None:
    """Creates a user or changes one. Sessions of one whose password is another now end."""
    found = ground.broker.access.users.get(name)
    before = password_hash if found is None else found.password_hash
    ground.broker.put_user(name, password_hash, tags)
    if before != password_hash:
        for session in ground.registry.of_user(name):
            session.end(f"the password of user '{name}' was changed", now)


async def user_values(body: Mapping[str, Any]) -> tuple[list[str], str]:
    """Tags and hash of a user. Raises Refusal with RabbitMQ's texts."""
    if "tags" not in body:
        raise bad_request("tags_not_present")
    tags = tag_list(body["tags"])
    if len(tags) > _TAGS_MAX:
        raise bad_request("too many tags")
    password, password_hash = body.get("password"), body.get("password_hash")
    if password is not None and password_hash is not None:
        raise bad_request("both_password_and_password_hash_are_provided")
    if not isinstance(password or "", str) or not isinstance(password_hash or "", str):
        raise bad_request("password and password_hash should be strings")
    if password:
        return tags, await hashed(password)
    return tags, checked_hash(password_hash or "", body.get("hashing_algorithm"))


async def hashed(password: str) -> str:
    """The hash to keep of a password."""
    octets = password.encode("utf-8", "surrogateescape")
    return await asyncio.to_thread(hash_password, octets, secrets.token_bytes(SALT_BYTES))


def checked_hash(password_hash: str, algorithm: object) -> str:
    """A hash that somebody can log in with, or an empty one. Raises Refusal."""
    if algorithm is not None and algorithm not in ALGORITHMS and algorithm != "mqbroker_scram_sha256":
        raise bad_request(f"unknown hashing algorithm: {algorithm}")
    if not password_hash or (password_hash.startswith(_WITH_NAMES) and is_known_format(password_hash)):
        return password_hash
    try:
        size = len(b64decode(password_hash, validate=True))
    except (ValueError, binascii.Error):
        raise bad_request(f"not_base64: {password_hash}") from None
    if not is_known_format(password_hash) or (algorithm in ALGORITHMS and ALGORITHMS[str(algorithm)] != size):
        raise bad_request(f"password_hash is not one of {algorithm or 'rabbit_password_hashing_sha256'}")
    return password_hash


def delete_user(call: Call) -> Answer:
    """DELETE users/U, whose sessions end."""
    call.ground.broker.delete_user(_found(call).name)
    return NO_CONTENT


def bulk_delete(call: Call) -> Answer:
    """POST users/bulk-delete: all or none."""
    (names,) = call.require("users")
    access = call.ground.broker.access
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise bad_request("users should be a list of strings")
    for name in names:
        if name not in access.users:
            raise bad_request(f"no_such_user: {name}")
    for name in dict.fromkeys(names):
        call.ground.broker.delete_user(name)
    return NO_CONTENT


async def hash_one(call: Call) -> Answer:
    """PUT auth/hash_password with the password in the body: a path would be logged."""
    (password,) = call.require("password")
    if not isinstance(password, str) or not password:
        raise bad_request("password should be a string that is not empty")
    return Answer(body={"password_hash": await hashed(password), "hashing_algorithm": "mqbroker_scrypt"})


# --- log-ins --------------------------------------------------------------------------------------------------------


def attempts(call: Call) -> Answer:
    """GET auth/attempts/N."""
    _check_node(call)
    observed = call.ground.observations
    protocols = sorted(observed.attempts.keys() | observed.refusals.keys())
    return Answer(
        body=[
            {
                "protocol": protocol_id(protocol),
                "auth_attempts": observed.attempts[protocol] + observed.refusals[protocol],
                "auth_attempts_failed": observed.refusals[protocol],
                "auth_attempts_succeeded": observed.attempts[protocol],
            }
            for protocol in protocols
        ]
    )


def protocol_id(protocol: str) -> str:
    """RabbitMQ's short name, such as amqp091."""
    return {"AMQP 0-9-1": "amqp091", "AMQP": "amqp091", "MQTT": "mqtt", "HTTP": "http"}.get(
        protocol, protocol.lower().replace(" ", "")
    )


def attempts_by_source(call: Call) -> Answer:
    """GET auth/attempts/N/source: not counted by source."""
    _check_node(call)
    return Answer(body=[])


def forget_attempts(call: Call) -> Answer:
    """DELETE auth/attempts/N: counters never go back, so nothing happens."""
    _check_node(call)
    return NO_CONTENT


def _check_node(call: Call) -> None:
    if call.name("node") != call.ground.name:
        raise missing()
