"""The kind of definition in the journal that is CloudWatch's."""

ALARM = "cloudwatch-alarm"

KINDS = (ALARM,)
