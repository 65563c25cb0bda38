"""What a session has to say, as one piece of octets: its large pieces are lent, and the rest is in a buffer."""

from mqbroker.protocols.session import Session


def all_output(session: Session) -> bytes:
    """The output since the last call."""
    return b"".join([*(session.take_lent() or ()), session.take_output()])
