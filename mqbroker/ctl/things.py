"""Queues, exchanges, bindings, connections, channels, consumers."""

from typing import Any

import click

from mqbroker.ctl.client import below, segment
from mqbroker.ctl.people import parsed
from mqbroker.ctl.session import Commands, Session, columns_option, listing, pass_session, split

_PAGE = 500


@click.group(cls=Commands)
def queue() -> None:
    """Queues of the vhost that -p names."""


@queue.command("list")
@click.option("--all", "is_all", is_flag=True, help="Of all vhosts.")
@click.option("--name", default="", help="Only those with this in their names.")
@click.option("--sort", default="name", help="A column, such as messages.")
@click.option("--reverse", is_flag=True, help="The largest first.")
@columns_option("vhost", "name", "type", "messages_ready", "messages_unacknowledged", "consumers")
@pass_session
def list_queues(session: Session, is_all: bool, name: str, sort: str, reverse: bool, columns: str) -> None:
    """Queues, and what is in them."""
    place = "queues" if is_all else below("queues", session.vhost)
    wanted = split(columns)
    query = f"page_size={_PAGE}&sort={segment(sort)}&columns={segment(','.join(wanted))}"
    query += f"&name={segment(name)}" if name else ""
    query += "&sort_reverse=true" if reverse else ""
    session.show(_pages(session, f"{place}?{query}", f"vhost '{session.vhost}'"), wanted)


def _pages(session: Session, path: str, missing: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    page, last = 1, 1
    while page <= last:
        answer = session.client.get(f"{path}&page={page}", missing)
        found += answer["items"]
        page, last = page + 1, answer["page_count"]
    return found


@queue.command("show")
@click.argument("name")
@pass_session
def show_queue(session: Session, name: str) -> None:
    """Everything about one queue."""
    found = session.client.get(below("queues", session.vhost, name), _queue(session, name))
    session.show_fields(dict(sorted(found.items())))


@queue.command("declare")
@click.argument("name")
@click.option("--type", "kind", default="", help="classic or quorum.")
@click.option("--transient", is_flag=True, help="Gone after a restart.")
@click.option("--auto-delete", is_flag=True)
@click.option("--arguments", default="{}", help="JSON, such as '{\"x-max-length\": 100}'.")
@pass_session
def declare_queue(session: Session, name: str, kind: str, transient: bool, auto_delete: bool, arguments: str) -> None:
    """Declare a queue, durable unless said."""
    given = parsed(arguments) | ({"x-queue-type": kind} if kind else {})
    body = {"durable": not transient, "auto_delete": auto_delete, "arguments": given}
    session.client.put(below("queues", session.vhost, name), body)
    session.say(f"queue '{name}' was declared")


@queue.command("delete")
@click.argument("name")
@click.option("--if-empty", is_flag=True)
@click.option("--if-unused", is_flag=True)
@pass_session
def delete_queue(session: Session, name: str, if_empty: bool, if_unused: bool) -> None:
    """Delete a queue."""
    query = "&".join(f"{flag}=true" for flag, is_set in (("if-empty", if_empty), ("if-unused", if_unused)) if is_set)
    session.client.delete(f"{below('queues', session.vhost, name)}?{query}", _queue(session, name))
    session.say(f"queue '{name}' was deleted")


def _queue(session: Session, name: str) -> str:
    return f"queue '{name}' in vhost '{session.vhost}'"


@queue.command("purge")
@click.argument("name")
@pass_session
def purge_queue(session: Session, name: str) -> None:
    """Empty a queue."""
    session.client.delete(f"{below('queues', session.vhost, name)}/contents", _queue(session, name))
    session.say(f"queue '{name}' was purged")


def _pausing(verb: str, text: str, outcome: str) -> None:
    @queue.command(verb, help=text)
    @click.argument("name")
    @pass_session
    def command(session: Session, name: str) -> None:
        path = f"mqbroker/{below('queues', session.vhost, name)}/{verb}"
        session.client.call("POST", path, {}, _queue(session, name))
        session.say(f"consumers of queue '{name}' {outcome}")


_pausing("pause", "Let consumers of a queue wait, while it goes on to take messages.", "wait")
_pausing("resume", "Let them go on.", "go on")


@queue.command("browse")
@click.argument("name")
@click.option("--offset", default=0)
@click.option("--count", default=20)
@click.option("--text", default="", help="Only with this text in body, key or headers.")
@columns_option("position", "exchange", "routing_key", "payload_bytes", "redelivered", "payload")
@pass_session
def browse_queue(session: Session, name: str, offset: int, count: int, text: str, columns: str) -> None:
    """Look at messages, which stay where they are."""
    place = f"mqbroker/queues/{below(session.vhost, name)}/messages?offset={offset}&count={count}"
    place += f"&text={segment(text)}" if text else ""
    session.show(session.client.get(place, _queue(session, name))["items"], split(columns))


@queue.command("move")
@click.argument("name")
@click.argument("destination")
@click.option("--count", type=int, default=None, help="So many at most; all that wait now unless said.")
@click.option("--copy", is_flag=True, help="And leave them where they are.")
@pass_session
def move_queue(session: Session, name: str, destination: str, count: int | None, copy: bool) -> None:
    """Move messages to another queue."""
    body = {"destination": destination, "copy": copy, **({} if count is None else {"count": count})}
    found = session.client.call("POST", f"mqbroker/queues/{below(session.vhost, name)}/move", body)
    done = "copied" if copy else "moved"
    session.say(f"{found['moved']} messages were {done} from '{name}' to '{destination}'")


@queue.command("redrive")
@click.argument("name")
@click.option("--count", type=int, default=None, help="So many at most; all that wait now unless said.")
@pass_session
def redrive_queue(session: Session, name: str, count: int | None) -> None:
    """Send dead letters back to the queues where they died."""
    body = {} if count is None else {"count": count}
    found = session.client.call("POST", f"mqbroker/queues/{below(session.vhost, name)}/redrive", body)
    session.say(f"{found['moved']} messages went back, {found['left']} do not say where they died")


@queue.command("delete-message")
@click.argument("name")
@click.argument("number", metavar="ID")
@pass_session
def delete_message(session: Session, name: str, number: str) -> None:
    """Delete one message, by the id that `browse --columns id,payload` shows."""
    session.client.delete(f"mqbroker/queues/{below(session.vhost, name)}/messages/{segment(number)}")
    session.say(f"message {number} of queue '{name}' is gone")


@queue.command("publish")
@click.argument("name")
@click.argument("payload")
@pass_session
def publish(session: Session, name: str, payload: str) -> None:
    """Publish a persistent message to a queue."""
    body = {
        "properties": {"delivery_mode": 2}, "routing_key": name, "payload": payload, "payload_encoding": "string",
    }  # fmt: skip
    found = session.client.call("POST", f"{below('exchanges', session.vhost, 'amq.default')}/publish", body)
    session.say("the message was routed" if found["routed"] else f"there is no queue '{name}': the message is gone")


@click.group(cls=Commands)
def exchange() -> None:
    """Exchanges of the vhost that -p names."""


exchange.add_command(listing("exchanges/{vhost}", "Exchanges.", "vhost,name,type,durable,auto_delete,policy"))


@exchange.command("declare")
@click.argument("name")
@click.option("--type", "kind", default="direct", show_default=True)
@click.option("--arguments", default="{}", help="JSON.")
@pass_session
def declare_exchange(session: Session, name: str, kind: str, arguments: str) -> None:
    """Declare a durable exchange."""
    body = {"type": kind, "durable": True, "arguments": parsed(arguments)}
    session.client.put(below("exchanges", session.vhost, name), body)
    session.say(f"exchange '{name}' was declared")


@exchange.command("delete")
@click.argument("name")
@pass_session
def delete_exchange(session: Session, name: str) -> None:
    """Delete an exchange."""
    session.client.delete(below("exchanges", session.vhost, name), f"exchange '{name}' in vhost '{session.vhost}'")
    session.say(f"exchange '{name}' was deleted")


@click.group(cls=Commands)
def binding() -> None:
    """Bindings of the vhost that -p names."""


binding.add_command(
    listing("bindings/{vhost}", "Bindings.", "source,destination_type,destination,routing_key,arguments")
)


@binding.command("add")
@click.argument("source")
@click.argument("name", metavar="QUEUE")
@click.argument("key", default="")
@pass_session
def bind(session: Session, source: str, name: str, key: str) -> None:
    """Bind a queue to an exchange."""
    place = f"bindings/{segment(session.vhost)}/e/{below(source)}/q/{below(name)}"
    session.client.call("POST", place, {"routing_key": key})
    session.say(f"queue '{name}' is bound to '{source}'")


@binding.command("delete")
@click.argument("source")
@click.argument("name", metavar="QUEUE")
@click.argument("key", default="")
@pass_session
def unbind(session: Session, source: str, name: str, key: str) -> None:
    """Take away a binding without arguments."""
    place = f"bindings/{segment(session.vhost)}/e/{below(source)}/q/{below(name)}/{segment(key) or '~'}"
    session.client.delete(place, f"binding of '{name}' to '{source}' with the key '{key}'")
    session.say(f"queue '{name}' is no longer bound to '{source}'")


@click.group(cls=Commands)
def connection() -> None:
    """Connections of clients."""


connection.add_command(
    listing("connections", "Connections of any protocol.", "name,user,vhost,protocol,state,channels")
)


@connection.command("close")
@click.argument("name")
@click.option("--reason", default="closed by an operator", help="What the client is told.")
@pass_session
def close_connection(session: Session, name: str, reason: str) -> None:
    """End a connection."""
    headers = {"X-Reason": reason}
    session.client.call("DELETE", below("connections", name), missing=f"connection '{name}'", headers=headers)
    session.say(f"connection '{name}' is told to end")


@connection.command("close-all")
@click.argument("user")
@click.option("--reason", default="closed by an operator", help="What the clients are told.")
@pass_session
def close_user_connections(session: Session, user: str, reason: str) -> None:
    """End the connections of a user."""
    session.client.call("DELETE", f"connections/username/{segment(user)}", headers={"X-Reason": reason})
    session.say(f"the connections of user '{user}' are told to end")


@click.group(cls=Commands)
def channel() -> None:
    """Channels of AMQP connections."""


channel.add_command(
    listing("channels", "Channels.", "name,user,vhost,consumer_count,messages_unacknowledged,prefetch_count")
)


@click.group(cls=Commands)
def consumer() -> None:
    """Consumers."""


consumer.add_command(
    listing(
        "consumers",
        "Consumers of all queues.",
        "queue.name,channel_details.name,consumer_tag,ack_required,prefetch_count,active",
    )
)
