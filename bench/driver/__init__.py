"""The load driver: pre-encoded frames on raw sockets, in processes of their own, every received byte checked.

It owns how messages are produced, received and verified. It must not know targets, scenarios or reports.
"""
