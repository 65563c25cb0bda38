"""The kinds of definitions in the journal that are those of MQTT's sessions, in the order of a restart."""

SESSION = "mqtt-session"
INCOMING = "mqtt-incoming"
SHARE = "mqtt-share"

KINDS = (SESSION, INCOMING, SHARE)
