"""ActiveMQ's advisory messages: what happens in the broker, in topics that anybody may subscribe to."""
