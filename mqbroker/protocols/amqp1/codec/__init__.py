"""Octets of AMQP 1.0 and what they mean: types, composite types, frames. No state, no I/O."""
