"""mqbroker: one broker, many protocols, one durable routing core."""

__version__ = "0.1.0"
