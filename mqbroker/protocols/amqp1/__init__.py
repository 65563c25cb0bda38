"""AMQP 1.0 (ISO/IEC 19464) as RabbitMQ 4 and ActiveMQ speak it."""
