"""The audit trail: who has asked the broker for what, kept in files of which nobody takes a line out unseen."""
