"""The command line of operators: a client of the management API, by the local socket or by its URL."""
