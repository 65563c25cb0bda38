"""Brokers under test: started on free loopback ports with private data directories, measured by pid, stopped again.

It owns the brokers' processes and settings. It must not know scenarios, load or results.
"""
