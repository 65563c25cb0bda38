"""Filter policies of subscriptions: parsed with the positions of what is wrong, compiled once, found by an index."""
