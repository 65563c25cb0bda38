"""The tests of mqbroker."""
