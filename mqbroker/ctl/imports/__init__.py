"""What other brokers keep in files, as definitions and options of this one."""
