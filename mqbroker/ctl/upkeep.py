"""Verbs of rabbitmqctl and rabbitmq-diagnostics for who looks after the broker, hidden: listeners, alarms, memory,
limits, what it is doing."""

from typing import Any

import click

from mqbroker.ctl.client import CommandFailed, below
from mqbroker.ctl.session import Session, Verbs, vhost_option

COMMANDS = Verbs()
_verb = COMMANDS.verb
_UNITS = {"gb": 30, "mb": 20, "kb": 10, "bytes": 0}


@_verb("suspend_listeners")
def suspend_listeners(session: Session) -> None:
    """As rabbitmqctl's."""
    click.echo("Will suspend client listeners on this node. No new client connections will be accepted until client "
               "listeners are resumed.")  # fmt: skip
    session.client.call("POST", "mqbroker/listeners/suspend")


@_verb("resume_listeners")
def resume_listeners(session: Session) -> None:
    """As rabbitmqctl's."""
    click.echo("Will resume client listeners on this node. The node will start accepting client connections")
    session.client.call("POST", "mqbroker/listeners/resume")


def _node(session: Session) -> dict[str, Any]:
    (found,) = session.client.get("nodes")
    return dict(found)


@_verb("alarms")
def alarms(session: Session) -> None:
    """As rabbitmq-diagnostics'."""
    node = _node(session)
    low = [name for name, key in (("Memory", "mem_alarm"), ("Free disk space", "disk_free_alarm")) if node[key]]
    for name in low:
        click.echo(f"{name} alarm on node {node['name']}")
    if not low:
        click.echo(f"Node {node['name']} reported no alarms, local or clusterwide")


@_verb("memory_breakdown")
@click.option("--unit", default="gb")
def memory_breakdown(session: Session, unit: str) -> None:
    """As rabbitmq-diagnostics'."""
    shift = _UNITS.get(unit.lower())
    if shift is None:
        raise CommandFailed(f"unit '{unit}' is not supported: use one of {', '.join(_UNITS)}", 65)
    found = session.client.get(below("nodes", _node(session)["name"], "memory"))["memory"]
    total = found["total"]["rss"] or 1
    for name in ("binary", "other_proc", "msg_index"):
        click.echo(f"{name}: {found[name] / (1 << shift):.4f} {unit.lower()} ({found[name] * 100 / total:.2f}%)")


@_verb("cluster_status")
def cluster_status(session: Session) -> None:
    """As rabbitmqctl's."""
    node, overview = _node(session), session.client.get("overview")
    click.echo(f"Cluster status of node {node['name']} ...\nBasics\n\nCluster name: {overview['cluster_name']}\n")
    for title in ("Disk Nodes", "Running Nodes"):
        click.echo(f"{title}\n\n{node['name']}\n")
    click.echo("Network Partitions\n\n(none)\n\nListeners\n")
    for each in overview["listeners"]:
        where = f"interface: {each['ip_address']}, port: {each['port']}, protocol: {each['protocol']}"
        click.echo(f"Node: {node['name']}, {where}, purpose: {each['protocol']}")


@_verb("set_vhost_tags")
@click.argument("name")
@click.argument("tags", nargs=-1)
def set_vhost_tags(session: Session, name: str, tags: tuple[str, ...]) -> None:
    """As rabbitmqctl's."""
    click.echo(f'Setting tags for vhost "{name}" to [{", ".join(tags)}] ...')
    session.client.get(below("vhosts", name), f"vhost '{name}'")
    session.client.put(below("vhosts", name), {"tags": list(tags)})


@_verb("clear_user_limits")
@click.argument("name")
@click.argument("limit")
def clear_user_limits(session: Session, name: str, limit: str) -> None:
    """As rabbitmqctl's; `all` is each of them."""
    click.echo(f'Clearing "{limit}" limit for user "{name}" ...')
    for each in ("max-connections", "max-channels") if limit == "all" else (limit,):
        session.client.delete(below("user-limits", name, each))


@_verb("clear_vhost_limits")
@vhost_option
def clear_vhost_limits(session: Session, vhost: str) -> None:
    """As rabbitmqctl's."""
    click.echo(f'Clearing vhost "{vhost}" limits ...')
    for each in ("max-connections", "max-queues"):
        session.client.delete(below("vhost-limits", vhost, each))


@_verb("log_tail")
@click.option("-N", "--number", default=50)
def log_tail(session: Session, number: int) -> None:
    """As rabbitmq-diagnostics'."""
    for line in session.client.get(f"mqbroker/log?count={number}"):
        click.echo(f"[{line['level']}] {line['category']}: {line['text']}")
