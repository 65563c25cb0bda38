"""The broker as a whole: its state, checks for monitoring, definitions out and in."""

import json
from typing import Any

import click

from mqbroker.ctl.client import BAD_DATA, CommandFailed, below, segment
from mqbroker.ctl.session import Commands, Session, pass_session


@click.command()
@pass_session
def ping(session: Session) -> None:
    """Succeed when the broker answers."""
    session.client.get("whoami")
    session.say("the broker answers")


@click.command()
@pass_session
def status(session: Session) -> None:
    """What runs, what is low, and how much there is."""
    overview, (node,) = session.client.get("overview"), session.client.get("nodes")
    totals, queued = overview["object_totals"], overview["queue_totals"]
    rows = {
        "node": node["name"],
        "cluster_name": overview["cluster_name"],
        "version": f"{overview['product_name']} {overview['product_version']}",
        "os_pid": node["os_pid"],
        "uptime_s": node["uptime"] // 1000,
        "memory": f"{node['mem_used'] >> 20} MiB of {node['mem_limit'] >> 20}",
        "disk_free": f"{node['disk_free'] >> 20} MiB, at least {node['disk_free_limit'] >> 20}",
        "alarms": [name for name in ("mem_alarm", "disk_free_alarm") if node[name]],
        "data_dir": node["db_dir"],
        **{name: totals[name] for name in ("connections", "channels", "consumers", "exchanges", "queues")},
        **{name: queued[name] for name in ("messages_ready", "messages_unacknowledged")},
        "listeners": [f"{each['protocol']} {each['ip_address']}:{each['port']}" for each in overview["listeners"]],
    }
    session.show_fields(rows)


@click.group(cls=Commands)
def check() -> None:
    """Checks for monitoring: exit code 0 when all is well, else 69."""


def _check(session: Session, path: str, sentence: str) -> None:
    code, reason = session.client.check(path)
    if code:
        raise CommandFailed(reason, code)
    session.say(sentence)


@check.command()
@pass_session
def alarms(session: Session) -> None:
    """Nothing runs low."""
    _check(session, "alarms", "no alarm is in effect")


@check.command()
@click.argument("number", metavar="PORT")
@pass_session
def port(session: Session, number: str) -> None:
    """The broker listens on this port."""
    _check(session, f"port-listener/{segment(number)}", f"there is a listener on port {number}")


@check.command()
@click.argument("name")
@pass_session
def protocol(session: Session, name: str) -> None:
    """The broker listens for this protocol, such as amqp or mqtt."""
    _check(session, f"protocol-listener/{segment(name)}", f"there is a listener for {name}")


@check.command()
@click.option("--within", default=30, help="So many days.")
@pass_session
def certificate(session: Session, within: int) -> None:
    """The certificate does not expire soon."""
    _check(session, f"certificate-expiration/{within}/days", f"no certificate expires within {within} days")


@check.command()
@pass_session
def ready(session: Session) -> None:
    """The broker serves clients."""
    _check(session, "ready-to-serve-clients", "the broker serves clients")


@click.command("levels")
@pass_session
def log_levels(session: Session) -> None:
    """Categories that have a level of their own, and the default."""
    session.show(session.client.get("mqbroker/log/levels"), ["category", "level"])


@click.command("level")
@click.argument("category")
@click.argument("level")
@pass_session
def set_log_level(session: Session, category: str, level: str) -> None:
    """Set the level of a category, such as amqp; `default` is that of the others. It lasts until the next start."""
    session.client.put(below("mqbroker", "log", "levels", category), {"level": level})
    session.say(f"the level of {category} is {level}")


@click.command("rotate")
@pass_session
def rotate_log(session: Session) -> None:
    """Begin a new file."""
    session.client.call("POST", "mqbroker/log/rotate")
    session.say("a new file was begun")


LOG_COMMANDS = (log_levels, set_log_level, rotate_log)


@click.command()
@pass_session
def reload(session: Session) -> None:
    """Have the broker read its configuration again: users, vhosts, log level and certificates."""
    session.client.call("POST", "mqbroker/reload")
    session.say("the configuration was read again")


@click.group(cls=Commands)
def listener() -> None:
    """Where clients come in."""


@listener.command("suspend")
@pass_session
def suspend_listeners(session: Session) -> None:
    """Turn new clients away; those that are connected stay, and so do management and metrics."""
    session.client.call("POST", "mqbroker/listeners/suspend")
    session.say("new clients are turned away")


@listener.command("resume")
@pass_session
def resume_listeners(session: Session) -> None:
    """Let new clients in again."""
    session.client.call("POST", "mqbroker/listeners/resume")
    session.say("new clients are let in")


@click.command()
@click.option("--count", default=100, help="So many records.")
@click.option("--user", default="", help="Only what this user did.")
@click.option("--event", default="", help="Only this event, such as PutQueue.")
@click.option("--object", "thing", default="", help="Only what names this, such as a queue.")
@pass_session
def audit(session: Session, count: int, user: str, event: str, thing: str) -> None:
    """The newest records of the audit trail."""
    asked = {"user": user, "event": event, "object": thing}
    query = "".join(f"&{name}={segment(value)}" for name, value in asked.items() if value)
    rows = session.client.get(f"mqbroker/audit?count={count}{query}")
    for row in rows:
        row["user"] = row["userIdentity"].get("userName") or row["userIdentity"]["type"]
    session.show(rows, ["eventTime", "user", "sourceIPAddress", "eventName", "requestParameters", "errorCode"])


@click.group(cls=Commands)
def definitions() -> None:
    """Everything that was declared, as a file of RabbitMQ's format."""


@definitions.command("export")
@click.argument("file", type=click.File("w"), default="-")
@pass_session
def export_definitions(session: Session, file: Any) -> None:
    """Write the definitions to a file, or to standard output. It holds the hashes of passwords."""
    json.dump(session.client.get("definitions"), file, indent=2)
    file.write("\n")


@definitions.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help="Only say whether they could be imported.")
@pass_session
def import_definitions(session: Session, file: Any, dry_run: bool) -> None:
    """Import definitions, all of them or none."""
    try:
        body = json.loads(file.read())
    except ValueError as error:
        raise CommandFailed(f"{file.name} is not JSON: {error}", BAD_DATA) from None
    found = session.client.call("POST", f"definitions{'?dry-run=true' if dry_run else ''}", body)
    session.say("the definitions can be imported" if dry_run else "the definitions were imported")
    if dry_run and found:
        rows = [{"what": name, **counts} for name, counts in found.items()]
        session.show(rows, ["what", "new", "changed", "kept", "same", "names"])
