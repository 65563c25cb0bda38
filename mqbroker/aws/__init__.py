"""The AWS front: services of Amazon, spoken by unmodified SDKs, on the queues and topics of this broker."""
