"""Amazon SNS: topics are exchanges of the core, from which messages go to queues at once, and elsewhere by delivery."""
