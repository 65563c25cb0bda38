# Compiled as it is, for every chunk of input and output.
