"""The kinds of definitions in the journal that are those of SNS."""

TOPIC = "sns-topic"
SUBSCRIPTION = "sns-subscription"
SIGNER = "sns-signer"
SMS = "sns-sms"
APPLICATION = "sns-application"
ENDPOINT = "sns-endpoint"

KINDS = (TOPIC, SUBSCRIPTION, SIGNER, SMS, APPLICATION, ENDPOINT)
