"""A protocol of lines, in one folder: what it takes to plug one in."""
