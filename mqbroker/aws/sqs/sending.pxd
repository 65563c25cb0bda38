# Compiled as it is, for every message that is sent.
