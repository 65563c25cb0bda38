"""RabbitMQ's metrics for Prometheus: its names and labels, so that its dashboards and alerts work as they are."""
