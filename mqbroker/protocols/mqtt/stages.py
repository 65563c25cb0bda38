"""How far a connection has come."""

AWAIT_CONNECT = 0
CHECKING = 1
"""A CONNECT is there; password or AUTH exchange are under way."""
OPEN = 2
CLOSED = 3
