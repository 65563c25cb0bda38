"""MQTT: codec, sessions on a core without sockets, real clients, and the checklist of the specifications."""
