"""The paths below /api, a module for each kind of thing."""
