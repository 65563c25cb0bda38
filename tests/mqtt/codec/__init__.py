"""The octets of MQTT."""
