# Compiled as it is, for every publish that is acknowledged.
