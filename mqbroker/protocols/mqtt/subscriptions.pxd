# Compiled as it is, for topics that were not seen lately.
