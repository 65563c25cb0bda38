"""CloudWatch, as far as it is about the broker: metrics are kept and read, and alarms are raised."""
