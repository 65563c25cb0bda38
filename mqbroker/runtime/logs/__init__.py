"""The log: how lines look, where they go, and which there are."""
