"""RabbitMQ's management API, its Prometheus metrics, and a console: the broker as operators and their tools see it."""
