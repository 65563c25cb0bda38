"""What has happened in the words of RabbitMQ's log, for programs that match them: of users, vhosts, connections.

Changes of users, permissions and vhosts have these lines always. Those of connections and log-ins come in the place of
our own with log.format = "rabbitmq".
"""

import logging
from collections.abc import Iterable, Mapping

from mqbroker.config.listener import Listener
from mqbroker.core.events import Event
from mqbroker.management.known_tags import CREATED, PASSWORD_CHANGED, RETAGGED, KnownTags

_users = logging.getLogger("mqbroker.user")
_connections = logging.getLogger("mqbroker.connection")
_alarms = logging.getLogger("mqbroker.default")

_CHANGES: Mapping[str, str] = {
    "user.deleted": "Deleted user '{user}'",
    "permission.set": "Successfully set permissions for '{user}' in virtual host '{vhost}' to "
    "'{configure}', '{write}', '{read}'",
    "permission.cleared": "Successfully cleared permissions for '{user}' in virtual host '{vhost}'",
    "topic.permission.set": "Successfully set topic permissions on exchange {exchange} for '{user}' in virtual host "
    "'{vhost}' to '{write}', '{read}'",
    "vhost.created": "Adding vhost '{vhost}' (description: '')",
    "vhost.deleted": "Deleting vhost '{vhost}'",
}
_LIFE: Mapping[str, tuple[str, ...]] = {
    "session.opened": (
        "accepting {protocol} connection <{id}> ({session})",
        "connection <{id}> ({session}): user '{user}' authenticated and granted access to vhost '{vhost}'",
    ),
    "session.closed": ("closing {protocol} connection <{id}> ({session}, vhost: '{vhost}', user: '{user}')",),
}


class RabbitWords:
    """A subscriber of events."""

    def __init__(self, users: Mapping[str, frozenset[str]], node: str, has_connections: bool) -> None:
        """`users` are those that there are already, with their tags; `has_connections`: connections too."""
        self._node = node
        self._low: set[str] = set()
        self._tags = KnownTags(users)
        self._has_connections = has_connections
        self._open: dict[str, tuple[int, str]] = {}
        """The number and the vhost of each open session, by their names."""
        self._last = 0

    def take(self, event: Event) -> None:
        """Something has happened."""
        fields = event.fields
        if event.name in _CHANGES:
            _users.info("%s", _CHANGES[event.name].format(**fields))
        done = self._tags.take(event)
        if done:
            _user_put(done, str(fields["user"]), fields["tags"])
        elif self._has_connections and event.name in _LIFE:
            self._live(event.name, fields)
        elif self._has_connections and event.name == "user.refused":
            _refused(fields)
        elif self._has_connections and event.name.startswith("alarm."):
            self._alarmed(str(fields.get("reason", "")))

    def _alarmed(self, reason: str) -> None:
        """Which resources are low now, such as `low on memory & low on disk`."""
        low = {word for word in ("memory", "disk") if word in reason}
        for word in sorted(low - self._low):
            _alarms.warning("%s resource limit alarm set on node %s.", word, self._node)
        for word in sorted(self._low - low):
            _alarms.warning("%s resource limit alarm cleared on node %s", word, self._node)
            _alarms.warning("%s resource limit alarm cleared across the cluster", word)
        self._low = low

    def started(self, listeners: Iterable[tuple[Listener, str, int]]) -> None:
        """The broker listens."""
        if not self._has_connections:
            return
        for listener, host, port in listeners:
            kind = "TLS (SSL)" if listener.is_tls else "TCP"
            _alarms.info("started %s listener on %s:%d", kind, f"[{host}]" if ":" in host else host, port)
        _alarms.info("Server startup complete; 0 plugins started.")

    def rewrite(self, record: logging.LogRecord) -> None:
        """Puts a line about what has ended a channel or a connection of AMQP 0-9-1 into RabbitMQ's words."""
        operation = record.__dict__.pop("operation", None)
        if operation is None or not isinstance(record.args, tuple):
            return
        session, *between, user, text = map(str, record.args)
        number, vhost = self._open.get(session, (0, ""))
        kind, _, reason = text.partition(" - ")
        what = "channel" if between else "connection"
        where = f"<0.{number}.0> ({session}, vhost: '{vhost}', user: '{user}'"
        if between:
            first = f"Channel error on connection {where}), channel {between[0]}:"
        else:
            first = f"Error on AMQP connection {where}, state: running), channel 0:"
        record.msg, record.args = "%s", (first,)
        record.rest = [f" operation {operation} caused a {what} exception {kind.lower()}: {reason}"]
        record.levelno, record.levelname = logging.ERROR, "ERROR"

    def _live(self, name: str, fields: Mapping[str, object]) -> None:
        session = str(fields["session"])
        if name == "session.opened":
            self._last += 1
            self._open[session] = self._last, str(fields["vhost"])
        number = self._open.pop(session, (0, ""))[0] if name == "session.closed" else self._last
        protocol = str(fields["protocol"]).partition(" ")[0]
        for text in _LIFE[name]:
            _connections.info("%s", text.format(**{**fields, "protocol": protocol, "id": f"0.{number}.0"}))


def _user_put(done: str, name: str, tags: object) -> None:
    if done == CREATED:
        _users.info("Created user '%s'", name)
    if done == PASSWORD_CHANGED:
        _users.info("Successfully changed password for user '%s'", name)
    elif isinstance(tags, list) and (tags or done == RETAGGED):
        _users.info("Successfully set user tags for user '%s' to [%s]", name, ",".join(tags))


def _refused(fields: Mapping[str, object]) -> None:
    if str(fields["protocol"]).startswith("HTTP"):
        _users.warning("HTTP access denied: user '%s' - invalid credentials", fields["user"])
    else:
        _connections.error("PLAIN login refused: user '%s' - invalid credentials", fields["user"])


OWN_WORDS = (
    "%s: user %r opened vhost %r", "%s: user %r opened vhost %r in version %s", "%s, user %r: closed by the client",
    "%s: log-in of user %r refused: %s",
)  # fmt: skip
"""Templates of our own lines that these stand for."""


def is_own_word(record: logging.LogRecord) -> bool:
    """Whether a line says what RabbitMQ's words say too."""
    return record.msg in OWN_WORDS


def put_in_their_place(words: RabbitWords) -> None:
    """From now on the log has RabbitMQ's words for these, and for what ends a channel or a connection."""

    def rewritten(record: logging.LogRecord) -> bool:
        words.rewrite(record)
        return not is_own_word(record)

    for handler in logging.getLogger().handlers:
        handler.addFilter(rewritten)
