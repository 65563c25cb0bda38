"""Users, vhosts, permissions, policies, parameters."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from mqbroker.ctl.client import BAD_DATA, EXISTS, CommandFailed, below, segment
from mqbroker.ctl.session import (
    Commands,
    Session,
    columns_option,
    listing,
    pass_session,
    password_option,
    read_password,
    split,
)

_PATTERN = ".*"


@click.group(cls=Commands)
def user() -> None:
    """Users: their passwords, tags and limits."""


user.add_command(listing("users", "Every user.", "name,tags"))


@user.command("add")
@click.argument("name")
@click.option("--tags", default="", help="Separated by commas, such as administrator.")
@password_option
@pass_session
def add_user(session: Session, name: str, tags: str, password_file: Any) -> None:
    """Add a user."""
    if session.client.exists(below("users", name)):
        raise CommandFailed(f"user '{name}' already exists", EXISTS)
    session.client.put(below("users", name), {"password": read_password(password_file), "tags": tags})
    session.say(f"user '{name}' was added; grant permissions with: mqbroker ctl permission set {name}")


def found_user(session: Session, name: str) -> Mapping[str, Any]:
    """A user as it is now. Raises CommandFailed."""
    found: Mapping[str, Any] = session.client.get(below("users", name), f"user '{name}'")
    return found


def put_password(session: Session, found: Mapping[str, Any], password: str) -> None:
    """Changes a user's password: what else there is of one has to be said again."""
    session.client.put(below("users", found["name"]), {"password": password, "tags": found["tags"]})


def put_tags(session: Session, found: Mapping[str, Any], tags: Sequence[str]) -> None:
    """Changes a user's tags."""
    kept = {field: found[field] for field in ("password_hash", "hashing_algorithm")}
    session.client.put(below("users", found["name"]), {**kept, "tags": list(tags)})


@user.command("passwd")
@click.argument("name")
@password_option
@pass_session
def change_password(session: Session, name: str, password_file: Any) -> None:
    """Change a password. Who is logged in with the old one has to log in again."""
    found = found_user(session, name)
    put_password(session, found, read_password(password_file))
    session.say(f"the password of user '{name}' was changed")


@user.command("tags")
@click.argument("name")
@click.argument("tags", nargs=-1)
@pass_session
def set_tags(session: Session, name: str, tags: tuple[str, ...]) -> None:
    """Replace the tags of a user."""
    put_tags(session, found_user(session, name), tags)
    session.say(f"user '{name}' has the tags: {', '.join(tags) or 'none'}")


@user.command("delete")
@click.argument("name")
@pass_session
def delete_user(session: Session, name: str) -> None:
    """Delete a user, whose sessions end."""
    session.client.delete(below("users", name), f"user '{name}'")
    session.say(f"user '{name}' was deleted")


@user.command("limit")
@click.argument("name")
@click.argument("limits", nargs=-1, required=True, metavar="LIMIT=NUMBER...")
@pass_session
def limit_user(session: Session, name: str, limits: tuple[str, ...]) -> None:
    """Set max-connections and max-channels; -1 is no limit."""
    found_user(session, name)
    for limit, number in map(_limit, limits):
        session.client.put(below("user-limits", name, limit), {"value": number})
    session.say(f"the limits of user '{name}' were changed")


def _limit(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    try:
        return name, int(number)
    except ValueError:
        raise CommandFailed(f"{text!r} should be a limit and a number, such as max-connections=10", BAD_DATA) from None


@click.group(cls=Commands)
def vhost() -> None:
    """Vhosts and their limits."""


vhost.add_command(listing("vhosts", "Every vhost.", "name,description,messages,default_queue_type"))


@vhost.command("add")
@click.argument("name")
@click.option("--description", default="")
@click.option("--tags", default="", help="Separated by commas.")
@click.option("--default-queue-type", default="", help="classic or quorum.")
@pass_session
def add_vhost(session: Session, name: str, description: str, tags: str, default_queue_type: str) -> None:
    """Add a vhost."""
    if session.client.exists(below("vhosts", name)):
        raise CommandFailed(f"vhost '{name}' already exists", EXISTS)
    kind = {"default_queue_type": default_queue_type} if default_queue_type else {}
    session.client.put(below("vhosts", name), {"description": description, "tags": tags, **kind})
    session.say(f"vhost '{name}' was added")


@vhost.command("delete")
@click.argument("name")
@pass_session
def delete_vhost(session: Session, name: str) -> None:
    """Delete a vhost with everything in it."""
    session.client.delete(below("vhosts", name), f"vhost '{name}'")
    session.say(f"vhost '{name}' was deleted")


@vhost.command("limit")
@click.argument("name")
@click.argument("limits", nargs=-1, required=True, metavar="LIMIT=NUMBER...")
@pass_session
def limit_vhost(session: Session, name: str, limits: tuple[str, ...]) -> None:
    """Set max-connections, max-queues and max-exchanges; -1 is no limit."""
    for limit, number in map(_limit, limits):
        session.client.put(below("vhost-limits", name, limit), {"value": number}, f"vhost '{name}'")
    session.say(f"the limits of vhost '{name}' were changed")


@click.group(cls=Commands)
def permission() -> None:
    """What users may do, in the vhost that -p names."""


permission.add_command(
    listing("permissions", "The permissions of all users, in all vhosts.", "user,vhost,configure,write,read")
)


@permission.command("set")
@click.argument("name")
@click.argument("configure", default=_PATTERN)
@click.argument("write", default=_PATTERN)
@click.argument("read", default=_PATTERN)
@pass_session
def set_permission(session: Session, name: str, configure: str, write: str, read: str) -> None:
    """Let a user configure, write and read what matches; everything unless said."""
    body = {"configure": configure, "write": write, "read": read}
    session.client.put(below("permissions", session.vhost, name), body)
    session.say(f"user '{name}' has permissions in vhost '{session.vhost}'")


@permission.command("clear")
@click.argument("name")
@pass_session
def clear_permission(session: Session, name: str) -> None:
    """Take the vhost from a user."""
    session.client.delete(below("permissions", session.vhost, name), f"permission of user '{name}'")
    session.say(f"user '{name}' has no permissions in vhost '{session.vhost}'")


@click.group(cls=Commands)
def policy() -> None:
    """Policies of the vhost that -p names."""


def _policies(is_operator: bool) -> str:
    return "operator-policies" if is_operator else "policies"


operator_option = click.option("--operator", "is_operator", is_flag=True, help="Operator policies.")


@policy.command("list")
@operator_option
@columns_option("vhost", "name", "pattern", "apply-to", "definition", "priority")
@pass_session
def list_policies(session: Session, is_operator: bool, columns: str) -> None:
    """Policies of all vhosts."""
    session.show(session.client.get(_policies(is_operator)), split(columns))


@policy.command("set")
@click.argument("name")
@click.argument("pattern")
@click.argument("definition")
@click.option("--priority", default=0)
@click.option("--apply-to", default="all", help="all, queues, exchanges, classic_queues or quorum_queues.")
@operator_option
@pass_session
def set_policy(
    session: Session, name: str, pattern: str, definition: str, priority: int, apply_to: str, is_operator: bool
) -> None:
    """Set a policy. DEFINITION is JSON, such as '{"max-length": 100}'."""
    body = {"pattern": pattern, "definition": parsed(definition), "priority": priority, "apply-to": apply_to}
    session.client.put(below(_policies(is_operator), session.vhost, name), body)
    session.say(f"policy '{name}' is in force in vhost '{session.vhost}'")


def parsed(text: str) -> Any:
    """JSON. Raises CommandFailed."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise CommandFailed(f"{text!r} is not JSON: {error}", BAD_DATA) from None


@policy.command("clear")
@click.argument("name")
@operator_option
@pass_session
def clear_policy(session: Session, name: str, is_operator: bool) -> None:
    """Delete a policy."""
    session.client.delete(below(_policies(is_operator), session.vhost, name), f"policy '{name}'")
    session.say(f"policy '{name}' was deleted")


@click.group(cls=Commands)
def parameter() -> None:
    """Parameters of components, and global ones."""


parameter.add_command(listing("parameters", "The parameters of all vhosts.", "component,vhost,name,value"))


@parameter.command("set-global")
@click.argument("name")
@click.argument("value")
@pass_session
def set_global(session: Session, name: str, value: str) -> None:
    """Set a global parameter to a value in JSON."""
    session.client.put(f"global-parameters/{segment(name)}", {"value": parsed(value)})
    session.say(f"global parameter '{name}' was set")
