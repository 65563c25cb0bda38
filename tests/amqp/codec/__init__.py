"""The tests of the AMQP 0-9-1 codec: no loop, no sockets, octets in and out."""
