"""The table from Mosquitto's options to ours names options that exist, with the defaults that they have."""

import re
from pathlib import Path

import pytest

from mqbroker.config.composition import config_kind
from mqbroker.config.option import all_options
from mqbroker.spoken import PROTOCOLS

PAGE = (Path(__file__).parents[2] / "docs" / "mosquitto.md").read_text()
OPTIONS = {".".join(option.path): option for option in all_options(config_kind(PROTOCOLS))}
DASH = "\N{EN DASH}"
NOT_OPTIONS = {"[[users]]", "[[users.permissions]]"}


def rows() -> list[list[str]]:
    """The cells of each option, without the heads of the tables."""
    found = [[cell.strip() for cell in line[1:-1].split("|")] for line in PAGE.splitlines() if line.startswith("|")]
    return [cells for cells in found if len(cells) == 5 and cells[0] not in ("Mosquitto", "---")]


def shown(value: object) -> str:
    if isinstance(value, tuple):
        return shown(value[0].url if value else "")
    return {"": "empty", "True": "true", "False": "false"}.get(str(value), str(value))


@pytest.mark.parametrize("cells", rows(), ids=lambda cells: cells[0])
def test_a_row_names_an_option_and_its_default(cells: list[str]) -> None:
    names = [name for name in re.findall(r"`([^`]+)`", cells[2]) if name not in NOT_OPTIONS]
    assert names or cells[2] == DASH or "[[" in cells[2]
    assert set(names) <= set(OPTIONS)
    defaults = [text.strip("*`") for text in cells[3].split(", ") if text]
    assert not defaults or defaults[0] in [shown(OPTIONS[name].default) for name in names]


def test_every_option_of_mosquitto_that_an_mqtt_user_sets_is_there() -> None:
    """Without such a table a migration was a search through two manuals."""
    wanted = (
        "acl_file allow_anonymous allow_zero_length_clientid auto_id_prefix autosave_interval bind_address cafile "
        "certfile check_retain_source clientid_prefixes connection_messages keyfile listener log_dest log_type "
        "max_connections max_inflight_bytes max_inflight_messages max_keepalive max_packet_size max_queued_bytes "
        "max_queued_messages max_topic_alias maximum_qos memory_limit message_size_limit mount_point password_file "
        "per_listener_settings persistence persistence_location persistent_client_expiration protocol psk_file "
        "queue_qos0_messages require_certificate retain_available set_tcp_nodelay sys_interval tls_version "
        "upgrade_outgoing_qos use_identity_as_username use_subject_as_username use_username_as_clientid"
    )
    assert [name for name in wanted.split() if f"`{name}" not in PAGE] == []
