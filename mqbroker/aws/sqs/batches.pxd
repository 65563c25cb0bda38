# Compiled as it is, for requests of AWS services.
