"""The kinds of definitions in the journal that are those of SNS."""

TOPIC = "sns-topic"
SUBSCRIPTION = "sns-subscription"
SIGNER = "sns-signer"

KINDS = (TOPIC, SUBSCRIPTION, SIGNER)
