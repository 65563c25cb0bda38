"""The broker as unmodified client libraries see it, over real sockets."""
