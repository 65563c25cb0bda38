"""MQTT on the wire, 3.1 to 5.0: packets to values and back. Knows no broker, no session and no socket."""
