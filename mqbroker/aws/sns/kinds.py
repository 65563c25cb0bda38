"""The kinds of definitions in the journal that are those of SNS."""

TOPIC = "sns-topic"
SUBSCRIPTION = "sns-subscription"
ENDED = "sns-ended"
SIGNER = "sns-signer"
SMS = "sns-sms"
APPLICATION = "sns-application"
ENDPOINT = "sns-endpoint"

KINDS = (TOPIC, SUBSCRIPTION, ENDED, SIGNER, SMS, APPLICATION, ENDPOINT)
