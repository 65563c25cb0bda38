"""A harness that compares message brokers: `python -m bench --help`.

It owns load, measurement and reports. It must not import anything of `mqbroker`: every broker, ours too, is a process
behind a socket, and nothing here may know more about one than about another.
"""
