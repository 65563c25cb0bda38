# Compiled as it is, for publishes off the short path.
