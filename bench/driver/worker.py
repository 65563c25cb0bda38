"""A worker process: takes one job from its pipe, gets ready, runs on the start signal, reports, closes in order.

Owns the conversation with the crew:  job -> Ready | Failed;  Start -> (Expect ->) Sent | Received | Called | Failed;
the end.
"""

import gc
import signal
from contextlib import suppress
from multiprocessing.connection import Connection

from bench.driver.consumer import Consumer
from bench.driver.jobs import ConsumeJob, Failed, PublishJob, Ready, Start
from bench.driver.lead import Lead, ReceivedCount
from bench.driver.pacer import PacedPublisher
from bench.driver.publisher import Publisher
from bench.driver.sqs_caller import Caller, PacedCaller
from bench.driver.sqs_jobs import CycleJob, SendJob
from bench.errors import BenchError


def work(pipe: Connection, shared: Lead | ReceivedCount | None) -> None:
    """Entry point of the process. Every failure goes to the crew as one sentence. shared: see `crew.Worker`."""
    # The crew ends its workers itself; a Ctrl-C reaches the whole terminal group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    job = pipe.recv()
    try:
        _serve(pipe, job, shared)
    except EOFError:
        return  # the crew gave the run up
    except (BenchError, OSError, ValueError) as error:
        _report(pipe, Failed(f"{type(error).__name__}: {error}"))


def _report(pipe: Connection, failed: Failed) -> None:
    # Where the crew has given the run up already, nobody listens.
    with suppress(OSError):
        pipe.send(failed)


def _serve(pipe: Connection, job: object, shared: Lead | ReceivedCount | None) -> None:
    if isinstance(job, PublishJob):
        _publish(pipe, job, shared if isinstance(shared, Lead) else None)
    elif isinstance(job, ConsumeJob):
        _consume(pipe, job, shared if isinstance(shared, ReceivedCount) else None)
    elif isinstance(job, SendJob | CycleJob):
        _call(pipe, job)
    else:
        raise ValueError(f"no such job: {job!r}")


def _await_start(pipe: Connection) -> float:
    gc.collect()
    gc.disable()
    pipe.send(Ready())
    start = pipe.recv()
    assert isinstance(start, Start)
    return start.at


def _publish(pipe: Connection, job: PublishJob, lead: Lead | None) -> None:
    publisher = PacedPublisher(job) if job.rate else Publisher(job, lead)
    pipe.send(publisher.run(_await_start(pipe)))
    pipe.recv()
    publisher.finish()
    pipe.send(Ready())


def _consume(pipe: Connection, job: ConsumeJob, tally: ReceivedCount | None) -> None:
    consumer = Consumer(job, tally)
    pipe.send(consumer.run(_await_start(pipe), pipe))
    pipe.recv()
    pipe.send(consumer.finish())


def _call(pipe: Connection, job: SendJob | CycleJob) -> None:
    caller = PacedCaller(job) if isinstance(job, SendJob) and job.rate else Caller(job)
    pipe.send(caller.run(_await_start(pipe), pipe))
    pipe.recv()
    caller.finish()
    pipe.send(Ready())
