"""`python -m mqbroker` is the command `mqbroker`."""

from mqbroker.cli import main

main()
