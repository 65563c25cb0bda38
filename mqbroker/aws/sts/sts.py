"""STS as a service of the gateway."""

from mqbroker.aws.family import AwsService, Ground
from mqbroker.aws.front.front import ServiceHandlers
from mqbroker.aws.front.model import load_model
from mqbroker.aws.front.service import Service
from mqbroker.aws.sts import actions


class Sts(AwsService):
    """The service. It keeps nothing."""

    name = "sts"

    def __init__(self, _ground: Ground) -> None:
        pass

    def handlers(self) -> ServiceHandlers:
        """Overrides AwsService's."""
        return ServiceHandlers(Service(load_model("sts")), actions.HANDLERS)
