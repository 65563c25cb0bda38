"""Every failure the harness reports by itself. Owns the names; knows nothing of drivers, targets or scenarios.

BenchError
|- TargetError       a broker could not be started, stopped or reached
|- ProtocolError     a broker answered something the driver cannot work with
|- DriverError       a worker process failed, hung or vanished
|- VerificationError a broker lost, duplicated, reordered or corrupted messages
`- UsageError        the command line or a result file makes no sense
"""


class BenchError(Exception):
    """Base of all failures of the harness; the text is one sentence for the user."""


class TargetError(BenchError):
    """A broker could not be started, stopped or reached."""


class ProtocolError(BenchError):
    """A broker answered something the driver cannot work with, or refused what it was asked."""


class DriverError(BenchError):
    """A worker process of the load driver failed, hung or vanished."""


class VerificationError(BenchError):
    """A broker lost, duplicated, reordered or corrupted messages: its figures are void."""


class UsageError(BenchError):
    """The command line or a result file makes no sense."""
