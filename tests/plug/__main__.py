"""mqbroker's command line with the line protocol and the operators' one: two more elements in the list of protocols."""

from mqbroker import spoken
from tests.plug.line.protocol import LineProtocol
from tests.plug.operators.protocol import OperatorsProtocol

PLUGGED = (*spoken.PROTOCOLS, LineProtocol(), OperatorsProtocol())

if __name__ == "__main__":
    spoken.PROTOCOLS = PLUGGED
    from mqbroker.cli import main  # which reads the list when it is imported

    main(prog_name="mqbroker")
