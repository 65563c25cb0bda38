"""What only one protocol has, the pair, events and the log."""

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

import click

from mqbroker.ctl.client import below, segment
from mqbroker.ctl.session import Commands, Session, columns_option, pass_session, split

_LEVELS = ("debug", "info", "warning", "error", "critical")


def _view(name: str, thing: str = "") -> str:
    return f"mqbroker/views/{name}" + (f"/{thing}" if thing else "")


def _rows(session: Session, view: str, query: str = "") -> list[dict[str, Any]]:
    path = f"{_view(view)}?vhost={segment(session.vhost)}{query}"
    found: list[dict[str, Any]] = session.client.get(path, f"listener of {view.partition('/')[0]}")
    return found


# --- MQTT -----------------------------------------------------------------------------------------------------------


@click.group(cls=Commands)
def mqtt() -> None:
    """Sessions of MQTT, and what is retained, in the vhost that -p names."""


@mqtt.command("sessions")
@click.option("--name", default="", help="Only client ids with this in them.")
@columns_option("name", "user", "connected", "subscriptions", "queued", "in_flight", "expiry_s")
@pass_session
def mqtt_sessions(session: Session, name: str, columns: str) -> None:
    """Sessions, of clients that are away too."""
    session.show(_rows(session, "mqtt/sessions", f"&name={segment(name)}" if name else ""), split(columns))


@mqtt.command("session")
@click.argument("client_id")
@pass_session
def mqtt_session(session: Session, client_id: str) -> None:
    """One session, with its subscriptions."""
    place = _view("mqtt/sessions", below(session.vhost, client_id))
    session.show_fields(session.client.get(place, f"session '{client_id}' in vhost '{session.vhost}'"))


@mqtt.command("end")
@click.argument("client_id")
@pass_session
def end_mqtt_session(session: Session, client_id: str) -> None:
    """End a session: its client is disconnected, and what waits for it is lost."""
    place = _view("mqtt/sessions", below(session.vhost, client_id))
    session.client.delete(place, f"session '{client_id}' in vhost '{session.vhost}'")
    session.say(f"the session '{client_id}' has ended")


@mqtt.command("retained")
@click.option("--name", default="", help="Only topics with this in them.")
@columns_option("name", "bytes", "retained_at")
@pass_session
def mqtt_retained(session: Session, name: str, columns: str) -> None:
    """Retained topics."""
    session.show(_rows(session, "mqtt/retained", f"&name={segment(name)}" if name else ""), split(columns))


@mqtt.command("clear")
@click.argument("topic")
@click.option("--branch", is_flag=True, help="With everything below it.")
@pass_session
def clear_retained(session: Session, topic: str, branch: bool) -> None:
    """Clear a retained topic."""
    place = _view("mqtt/retained", below(session.vhost, topic))
    missing = f"retained topic '{topic}' in vhost '{session.vhost}'"
    found = session.client.call("DELETE", f"{place}?branch=true" if branch else place, missing=missing)
    count = found["deleted"] if found else 1
    session.say(f"{count} retained messages are gone")


# --- AWS ------------------------------------------------------------------------------------------------------------


@click.group(cls=Commands)
def sqs() -> None:
    """Queues of SQS in the vhost that -p names."""


@sqs.command("list")
@columns_option("name", "account", "region", "visible", "in_flight", "delayed", "oldest_s", "dead_letter_queue")
@pass_session
def sqs_queues(session: Session, columns: str) -> None:
    """Queues, with what is visible, in flight and delayed."""
    session.show(_rows(session, "sqs/queues"), split(columns))


@sqs.command("show")
@click.argument("name")
@pass_session
def sqs_queue(session: Session, name: str) -> None:
    """One queue, with its attributes, policies and redrives."""
    place = _view("sqs/queues", below(session.vhost, name))
    session.show_fields(session.client.get(place, f"queue '{name}' of SQS"))


@sqs.command("redrive")
@click.argument("name")
@click.option("--destination", default="", help="A queue; where each message came from unless said.")
@click.option("--rate", default=0, help="So many messages a second; as fast as it goes unless said.")
@pass_session
def sqs_redrive(session: Session, name: str, destination: str, rate: int) -> None:
    """Begin to send the messages of a dead-letter queue back."""
    place = f"{_view('sqs/queues', below(session.vhost, name))}/redrive"
    session.client.call("POST", place, {"destination": destination, "rate": rate}, f"queue '{name}' of SQS")
    session.say("the redrive has begun")


@sqs.command("cancel")
@click.argument("name")
@pass_session
def sqs_cancel(session: Session, name: str) -> None:
    """End a redrive; what was moved stays moved."""
    place = f"{_view('sqs/queues', below(session.vhost, name))}/cancel"
    session.client.call("POST", place, {}, f"queue '{name}' of SQS")
    session.say("the redrive was cancelled")


@click.group(cls=Commands)
def sns() -> None:
    """Topics of SNS in the vhost that -p names."""


@sns.command("list")
@columns_option("name", "account", "region", "subscriptions", "published", "delivered", "failed", "filtered")
@pass_session
def sns_topics(session: Session, columns: str) -> None:
    """Topics."""
    session.show(_rows(session, "sns/topics"), split(columns))


@sns.command("show")
@click.argument("name")
@columns_option("endpoint", "protocol", "confirmed", "filter_policy", "delivered", "failed", "waiting")
@pass_session
def sns_topic(session: Session, name: str, columns: str) -> None:
    """The subscriptions of a topic."""
    found = session.client.get(_view("sns/topics", below(session.vhost, name)), f"topic '{name}' of SNS")
    session.show(found["subscription_list"], split(columns))


# --- the node ---------------------------------------------------------------------------------------------------------


@click.group(cls=Commands)
def pair() -> None:
    """The pair that this node is in; `mqbroker ha` asks standbys too."""


@pair.command("status")
@pass_session
def pair_status(session: Session) -> None:
    """What this node knows of its pair."""
    found = session.client.get("mqbroker/pair")
    if found:
        session.show_fields(found)
    else:
        session.say("this node is alone")


@click.group(cls=Commands)
def event() -> None:
    """What happens in the broker beside messages."""


@event.command("tail")
@click.option("--count", default=100, help="So many of the last ones.")
@click.option("--text", default="", help="Only with this text.")
@click.option("-f", "--follow", is_flag=True, help="And those that come, until interrupted.")
@pass_session
def event_tail(session: Session, count: int, text: str, follow: bool) -> None:
    """The last events, one JSON object a line."""
    found = session.client.get(f"mqbroker/events?count={count}&text={segment(text)}")
    for line in chain(found, _followed(session, "events", text) if follow else ()):
        click.echo(json.dumps(line, ensure_ascii=False))


@click.group("log", cls=Commands)
def log_group() -> None:
    """The broker's log."""


@log_group.command("tail")
@click.option("--count", default=100, help="So many of the last lines.")
@click.option("--level", default="debug", type=click.Choice(_LEVELS), help="From this level on.")
@click.option("--text", default="", help="Only with this text.")
@click.option("-f", "--follow", is_flag=True, help="And those that come, until interrupted.")
@pass_session
def log_tail(session: Session, count: int, level: str, text: str, follow: bool) -> None:
    """The last lines."""
    found = session.client.get(f"mqbroker/log?count={count}&level={level}&text={segment(text)}")
    least = _LEVELS.index(level)
    for line in chain(found, _followed(session, "log", text) if follow else ()):
        if _LEVELS.index(line["level"]) < least:
            continue
        if session.form == "table":
            click.echo(f"{line['level']:8} {line['category']}: {line['text']}")
        else:
            click.echo(json.dumps(line, ensure_ascii=False))


def _followed(session: Session, topic: str, text: str) -> Iterator[dict[str, Any]]:
    wanted = text.casefold()
    for line in session.client.stream(topic):
        if wanted in json.dumps(line, ensure_ascii=False).casefold():
            yield line


COMMANDS = (mqtt, sqs, sns, pair, event, log_group)
