# Compiled as it is, for storms of retained messages.
