# Compiled as it is, for messages whose topic was not seen lately.
