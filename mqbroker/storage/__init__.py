"""The journal: what makes the core's facts durable and gives them back after a restart. It knows no protocol."""
