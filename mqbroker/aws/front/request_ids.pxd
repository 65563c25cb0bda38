# Compiled as it is, for every call and message.
