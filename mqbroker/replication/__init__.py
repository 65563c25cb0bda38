"""The active/standby pair: the link that copies the log, who is active, and who is in sync.

The decisions are machines without loop, clock or socket (leader, feed, replica, course, ballot); around them are thin
shells. No protocol is known here, and of messages nothing: what travels are the octets of the journal.
"""
