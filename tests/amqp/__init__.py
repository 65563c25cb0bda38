"""The tests of AMQP 0-9-1."""
