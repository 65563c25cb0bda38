"""The AWS services that this broker has. The first answers calls that name none."""

from collections.abc import Callable

from mqbroker.aws.cloudwatch.cloudwatch import CloudWatch
from mqbroker.aws.family import AwsService, Ground
from mqbroker.aws.sns.sns import Sns
from mqbroker.aws.sqs.sqs import Sqs
from mqbroker.aws.sts.sts import Sts

SERVICES: tuple[Callable[[Ground], AwsService], ...] = (Sqs, Sns, Sts, CloudWatch)
