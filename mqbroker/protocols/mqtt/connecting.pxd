# Compiled as it is, for storms of connections.
