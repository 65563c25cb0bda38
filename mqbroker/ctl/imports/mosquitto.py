"""mosquitto.conf as our options, with the files that it names."""

from collections.abc import Callable
from pathlib import Path

from mqbroker.ctl.imports.found import CannotImport, Found, read_text
from mqbroker.ctl.imports.mosquitto_users import (
    ANONYMOUS,
    AccessList,
    Rules,
    add_user,
    add_users,
    parse_access_list,
    parse_passwords,
    take_dynamic_security,
)

_NUMBERS = {
    "max_connections": "limits.connections_max",
    "max_inflight_messages": "mqtt.inflight_max",
    "max_queued_messages": "mqtt.queued_messages_max",
    "max_queued_bytes": "mqtt.queued_bytes_max",
    "maximum_qos": "mqtt.maximum_qos",
    "max_qos": "mqtt.maximum_qos",
    "message_size_limit": "mqtt.message_size_max",
    "max_packet_size": "mqtt.packet_size_max",
    "max_keepalive": "mqtt.keep_alive_s_max",
    "max_topic_alias": "mqtt.topic_alias_max",
    "sys_interval": "mqtt.system_interval_s",
}
_FLAGS = {"queue_qos0_messages": "mqtt.queue_qos0", "retain_available": "mqtt.retain_available"}
_FILES = {"certfile": "tls.certificate", "keyfile": "tls.key", "cafile": "tls.client_ca"}
_SPANS = {"h": 3600, "d": 86_400, "w": 604_800, "m": 2_592_000, "y": 31_536_000}
_NOTHING_TO_DO = (
    "user", "pid_file", "persistence_file", "persistence_location", "autosave_interval", "autosave_on_changes",
    "connection_messages", "log_timestamp", "log_timestamp_format", "set_tcp_nodelay", "allow_zero_length_clientid",
    "auto_id_prefix", "allow_duplicate_messages", "upgrade_outgoing_qos", "per_listener_settings",
)  # fmt: skip
"""Options that have no counterpart, and whose absence nobody misses."""


class Configuration:
    """One mosquitto.conf, while it is read."""

    def __init__(self, found: Found, vhost: str) -> None:
        self._found = found
        self._vhost = vhost
        self._listeners: list[dict[str, str]] = []
        self._hashes: dict[str, str] | None = None
        self._rules: AccessList | None = None
        self._allows_anonymous = False
        self._handlers: dict[str, Callable[[str, Path], None]] = {
            "listener": self._begin_listener,
            "port": self._set_port,
            "bind_address": self._set_host,
            "protocol": self._set_protocol,
            "password_file": self._set_passwords,
            "acl_file": self._set_access_list,
            "plugin": self._set_plugin,
            "auth_plugin": self._set_plugin,
            "plugin_opt_config_file": self._set_plugin_file,
            "auth_opt_config_file": self._set_plugin_file,
            "allow_anonymous": self._set_anonymous,
            "require_certificate": self._set_certificates,
            "use_identity_as_username": self._set_names,
            "persistent_client_expiration": self._set_expiry,
            "persistence": self._set_persistence,
            "connection": self._set_bridge,
            "log_type": self._set_log,
            "include_dir": self._include,
        }

    def take(self, text: str, path: Path) -> None:
        """Reads the text of the file, and what it names. Raises CannotImport."""
        for number, line in enumerate(text.splitlines(), 1):
            name, _, value = line.strip().partition(" ")
            if name and not name.startswith("#"):
                try:
                    self._take_option(name, value.strip(), path.parent)
                except ValueError as error:
                    raise CannotImport(f"{path}:{number}: {name}: {error}") from None
        self._finish()

    def _take_option(self, name: str, value: str, folder: Path) -> None:
        options = self._found.options
        if name in _NUMBERS:
            number = int(value)
            if number >= 0:
                options[_NUMBERS[name]] = number
        elif name in _FLAGS:
            options[_FLAGS[name]] = _truth(value)
        elif name in _FILES:
            options[_FILES[name]] = value
            self._listener()["tls"] = "yes"
        elif name in self._handlers:
            self._handlers[name](value, folder)
        elif name not in _NOTHING_TO_DO:
            self._found.note(f"{name}: there is no such option here; see docs/mosquitto.md")

    # --- listeners ----------------------------------------------------------------------------------------------------

    def _listener(self) -> dict[str, str]:
        if not self._listeners:
            self._listeners.append({"port": "1883", "host": ""})
        return self._listeners[-1]

    def _begin_listener(self, value: str, _folder: Path) -> None:
        port, _, host = value.partition(" ")
        if port == "0":
            self._found.note(f"listener {value}: there are no Unix sockets for MQTT here")
            return
        self._listeners.append({"port": str(int(port)), "host": host.strip()})

    def _set_port(self, value: str, _folder: Path) -> None:
        self._listener()["port"] = str(int(value))

    def _set_host(self, value: str, _folder: Path) -> None:
        self._listener()["host"] = value

    def _set_protocol(self, value: str, _folder: Path) -> None:
        self._listener()["protocol"] = value

    def _urls(self) -> list[str]:
        # Without a listener, and without a password file, Mosquitto serves this machine only.
        is_local = not self._listeners
        urls = []
        for each in self._listeners or [{"port": "1883", "host": "127.0.0.1"}]:
            scheme = "ws" if each.get("protocol") == "websockets" else "mqtt"
            host = each["host"] or ("127.0.0.1" if is_local else "0.0.0.0")  # noqa: S104  what Mosquitto listens on
            host = f"[{host}]" if ":" in host else host
            urls.append(f"{scheme}{'s' if 'tls' in each else ''}://{host}:{each['port']}")
            if "tls" not in each and host not in ("127.0.0.1", "localhost", "[::1]"):
                self._found.options["security.allow_insecure"] = True
                self._found.note(f"{urls[-1]} is reached by others without TLS, as it was: prefer TLS")
        return urls

    # --- the rest -----------------------------------------------------------------------------------------------------

    def _set_passwords(self, value: str, folder: Path) -> None:
        self._hashes = {**(self._hashes or {}), **parse_passwords(read_text(folder / value), value, self._found)}

    def _set_access_list(self, value: str, folder: Path) -> None:
        self._rules = parse_access_list(read_text(folder / value), value, self._found)

    def _set_plugin(self, value: str, _folder: Path) -> None:
        if "dynamic_security" not in value:
            self._found.note(f"plugin {value}: there are no plug-ins here")

    def _set_plugin_file(self, value: str, folder: Path) -> None:
        take_dynamic_security(read_text(folder / value), value, self._vhost, self._found)

    def _set_anonymous(self, value: str, _folder: Path) -> None:
        self._allows_anonymous = _truth(value)

    def _set_certificates(self, value: str, _folder: Path) -> None:
        self._found.options["tls.verify"] = "required" if _truth(value) else "none"

    def _set_names(self, value: str, _folder: Path) -> None:
        if _truth(value):
            self._found.options["mqtt.certificate_name"] = "cn"

    def _set_expiry(self, value: str, _folder: Path) -> None:
        count, unit = value[:-1], value[-1:]
        if unit not in _SPANS:
            raise ValueError(f"{value!r} has none of the units h, d, w, m and y")
        self._found.options["mqtt.session_expiry_s_max"] = min(int(count) * _SPANS[unit], 4_294_967_295)

    def _set_persistence(self, value: str, _folder: Path) -> None:
        if not _truth(value):
            self._found.note('persistence false: the journal stays on; durability = "memory" turns it off')

    def _set_bridge(self, value: str, _folder: Path) -> None:
        self._found.note(f"connection {value}: bridges are not taken over: have the other broker connect to this one")

    def _set_log(self, value: str, _folder: Path) -> None:
        if value in ("all", "debug"):
            self._found.options["log_level"] = "debug"

    def _include(self, value: str, _folder: Path) -> None:
        self._found.note(f"include_dir {value}: import these files by themselves")

    def _finish(self) -> None:
        self._found.options["listeners"] = self._urls()
        if self._hashes is not None:
            add_users(self._hashes, self._rules, self._vhost, self._found)
        if not self._allows_anonymous:
            return
        self._found.options["mqtt.anonymous_user"] = ANONYMOUS
        rules = None if self._rules is None else self._rules.users.get("", Rules()).plus(self._rules.everybody)
        add_user(ANONYMOUS, "", rules, self._vhost, self._found)
        if self._hashes is None:
            self._found.options["mqtt.anonymous_fallback"] = True


def _truth(value: str) -> bool:
    if value.lower() not in ("true", "false", "1", "0"):
        raise ValueError(f"{value!r} is neither true nor false")
    return value.lower() in ("true", "1")


def take(path: Path, vhost: str, found: Found) -> None:
    """A file of Mosquitto's, whatever kind it is of. Raises CannotImport."""
    text = read_text(path)
    if text.lstrip().startswith("{"):
        take_dynamic_security(text, path.name, vhost, found)
    else:
        Configuration(found, vhost).take(text, path)
