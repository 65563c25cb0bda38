"""Platform applications and their endpoints, which are devices: kept, found, changed."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from mqbroker.aws.sns.kinds import APPLICATION, ENDPOINT
from mqbroker.core import definitions
from mqbroker.core.ledger import Ledger
from mqbroker.delivery.errors import DeliveryFailed


class PushFailed(DeliveryFailed):
    """A message cannot reach a device, for a reason that AWS has a name for, which is `kind`."""

    def __init__(self, kind: str, reason: str, status: int = 400) -> None:
        super().__init__(reason, is_permanent=True, status=status)
        self.kind = kind


class Application(NamedTuple):
    """An application of a platform such as GCM."""

    arn: str
    account: str
    attributes: dict[str, str]

    def pair(self) -> tuple[str, str]:
        """Principal and credential. Raises DeliveryFailed unless it has both."""
        self.require("PlatformPrincipal", "PlatformCredential")
        return self.attributes["PlatformPrincipal"], self.attributes["PlatformCredential"]

    def require(self, *names: str) -> None:
        """Raises DeliveryFailed unless it has all these attributes."""
        missing = [name for name in names if not self.attributes.get(name)]
        if missing:
            raise DeliveryFailed(f"the platform application has no {', '.join(missing)}", is_permanent=True)


class PlatformEndpoint(NamedTuple):
    """A device."""

    arn: str
    application: str
    attributes: dict[str, str]

    @property
    def platform(self) -> str:
        """The platform's name."""
        return self.arn.split("/")[1]


class Platforms:
    """Those of one broker, by ARN."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.applications: dict[str, Application] = {}
        self.endpoints: dict[str, PlatformEndpoint] = {}

    def of(self, account: str, endpoint: str) -> tuple[Application, PlatformEndpoint] | None:
        """An endpoint of an account, with its application."""
        found = self.endpoints.get(endpoint)
        application = None if found is None else self.applications.get(found.application)
        if found is None or application is None or application.account != account:
            return None
        return application, found

    def application_of(self, account: str, endpoint: str) -> Application | None:
        """The application of an account that an endpoint is or was of, by its ARN."""
        prefix, _, rest = endpoint.partition(":endpoint/")
        found = self.applications.get(f"{prefix}:app/{rest.rpartition('/')[0]}")
        return found if found is not None and found.account == account else None

    def put_application(self, application: Application) -> None:
        """Adds an application, or keeps what has changed of it."""
        self.applications[application.arn] = application
        value = {"account": application.account, "attributes": application.attributes}
        self._ledger.define(definitions.key(APPLICATION, application.arn), definitions.pack(value))

    def put_endpoint(self, endpoint: PlatformEndpoint) -> None:
        """The same for an endpoint."""
        self.endpoints[endpoint.arn] = endpoint
        value = {"application": endpoint.application, "attributes": endpoint.attributes}
        self._ledger.define(definitions.key(ENDPOINT, endpoint.arn), definitions.pack(value))

    def set_endpoint(self, endpoint: PlatformEndpoint, changes: Mapping[str, str]) -> bool:
        """Changes attributes of an endpoint; whether any is another one now."""
        attributes = {**endpoint.attributes, **changes}
        if attributes == endpoint.attributes:
            return False
        self.put_endpoint(endpoint._replace(attributes=attributes))
        return True

    def endpoints_of(self, application: str) -> Iterator[PlatformEndpoint]:
        """The endpoints of an application."""
        return (each for each in list(self.endpoints.values()) if each.application == application)

    def delete_application(self, arn: str) -> None:
        """Deletes an application with its endpoints."""
        for endpoint in self.endpoints_of(arn):
            self.delete_endpoint(endpoint.arn)
        if self.applications.pop(arn, None) is not None:
            self._ledger.define(definitions.key(APPLICATION, arn), None)

    def delete_endpoint(self, arn: str) -> None:
        """Deletes an endpoint; one that is not there is deleted."""
        if self.endpoints.pop(arn, None) is not None:
            self._ledger.define(definitions.key(ENDPOINT, arn), None)

    def restore(self, found: Mapping[str, bytes]) -> None:
        """Takes over what the journal kept."""
        by_kind = definitions.of_kinds(found, (APPLICATION, ENDPOINT))
        for (arn,), data in by_kind[APPLICATION]:
            value = definitions.unpack(data)
            attributes = value["attributes"]
            assert isinstance(attributes, dict)
            self.applications[arn] = Application(arn, str(value["account"]), attributes)
        for (arn,), data in by_kind[ENDPOINT]:
            value = definitions.unpack(data)
            attributes = value["attributes"]
            assert isinstance(attributes, dict)
            self.endpoints[arn] = PlatformEndpoint(arn, str(value["application"]), attributes)
