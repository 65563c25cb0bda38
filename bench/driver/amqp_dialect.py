"""AMQP 0-9-1 under the load loops. Owns the choice of the right kind of connection for a job."""

from bench.driver.amqp_reply import AmqpAnswerSide, AmqpRequestSide
from bench.driver.amqp_sides import AmqpConsumeSide, AmqpPublishSide
from bench.driver.dialect import ConsumeSide, PublishSide
from bench.driver.jobs import ConsumeJob, PublishJob, Subscription


class AmqpDialect:
    """AMQP 0-9-1."""

    def open_publisher(self, job: PublishJob, publisher: int) -> PublishSide:
        """Connect and prepare one publishing connection; with `reply_to` one whose confirms are replies."""
        return AmqpRequestSide(job) if job.reply_to else AmqpPublishSide(job)

    def open_consumer(self, job: ConsumeJob, subscription: Subscription) -> ConsumeSide:
        """Connect and subscribe one consuming connection; with `answers` one whose acknowledgements are replies."""
        if job.answers:
            return AmqpAnswerSide(job, subscription)
        return AmqpConsumeSide(job, subscription, automatic=not job.prefetch)
