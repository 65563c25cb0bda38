"""The actions on platform applications and their endpoints."""

import re
from collections.abc import Mapping

from mqbroker.aws.front.call import Call
from mqbroker.aws.limits import SNS_PLATFORM_NAME_CHARS_MAX, SNS_USER_DATA_BYTES_MAX
from mqbroker.aws.sns import refusals
from mqbroker.aws.sns.arns import parts_of
from mqbroker.aws.sns.certificates import expiry_of
from mqbroker.aws.sns.paging import page_of
from mqbroker.aws.sns.platform_events import CREATED, DELETED, UPDATED, EventSink, check_attributes
from mqbroker.aws.sns.platforms import Application, PlatformEndpoint, Platforms
from mqbroker.aws.sns.service import SnsService
from mqbroker.aws.sns.signer import Signer

_PLATFORMS = ("ADM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "BAIDU", "GCM", "FCM", "MACOS",
              "MACOS_SANDBOX", "MPNS", "WNS")  # fmt: skip
_SECRETS = ("PlatformCredential", "PlatformPrincipal")
_EXPIRY = "AppleCertificateExpirationDate"
_WITHOUT_PRINCIPAL = ("FCM", "GCM")
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_ENDPOINT_ATTRIBUTES = frozenset(("CustomUserData", "Enabled", "Token"))
_BAIDU_ATTRIBUTES = frozenset(("ChannelId", "UserId"))


class PlatformActions:
    """CreatePlatformApplication to SetPlatformApplicationAttributes."""

    def __init__(self, service: SnsService, platforms: Platforms, signer: Signer, events: EventSink) -> None:
        self._service = service
        self._platforms = platforms
        self._signer = signer
        self._events = events

    # --- applications -------------------------------------------------------------------------------------------------

    def create_platform_application(self, call: Call) -> None:
        """CreatePlatformApplication. The same again finds the one that is there."""
        self._service.check_account(call)
        given, caller = call.parameters, call.caller
        _check_name(given["Name"])
        if given["Platform"] not in _PLATFORMS:
            raise refusals.invalid(f"Platform Reason: {given['Platform']} is not supported")
        _check_pair(given["Platform"], given["Attributes"])
        check_attributes(given["Attributes"], caller.account, caller.region)
        arn = f"arn:aws:sns:{caller.region}:{caller.account}:app/{given['Platform']}/{given['Name']}"
        attributes = {"Enabled": "true", **given["Attributes"]}
        found = self._platforms.applications.get(arn)
        if found is not None:
            attributes = {**found.attributes, **given["Attributes"]}
        self._platforms.put_application(Application(arn, caller.account, attributes))
        self._service.answer_when_safe(call, {"PlatformApplicationArn": arn})

    def get_platform_application_attributes(self, call: Call) -> None:
        """GetPlatformApplicationAttributes."""
        call.answer({"Attributes": _shown(self._application(call).attributes)})

    def set_platform_application_attributes(self, call: Call) -> None:
        """SetPlatformApplicationAttributes."""
        found = self._application(call)
        _check_some(call.parameters["Attributes"])
        attributes = {**found.attributes, **call.parameters["Attributes"]}
        check_attributes(attributes, found.account, "")
        self._platforms.put_application(found._replace(attributes=attributes))
        self._service.answer_when_safe(call)

    def delete_platform_application(self, call: Call) -> None:
        """DeletePlatformApplication. One that is not there is deleted."""
        self._service.check_account(call)
        arn = call.parameters["PlatformApplicationArn"]
        parts_of(arn, "PlatformApplicationArn")
        found = self._platforms.applications.get(arn)
        if found is not None and found.account == call.caller.account:
            self._platforms.delete_application(arn)
        self._service.answer_when_safe(call)

    def list_platform_applications(self, call: Call) -> None:
        """ListPlatformApplications."""
        self._service.check_account(call)
        account = call.caller.account
        found = [each for each in self._platforms.applications.values() if each.account == account]
        page, token = page_of(found, call.parameters.get("NextToken"), lambda each: each.arn)
        call.answer({
            "PlatformApplications": [
                {"PlatformApplicationArn": each.arn, "Attributes": _shown(each.attributes)} for each in page
            ],
            "NextToken": token,
        })  # fmt: skip

    def _application(self, call: Call) -> Application:
        self._service.check_account(call)
        arn = call.parameters["PlatformApplicationArn"]
        parts_of(arn, "PlatformApplicationArn")
        found = self._platforms.applications.get(arn)
        if found is None or found.account != call.caller.account:
            raise refusals.not_found("PlatformApplication")
        return found

    # --- endpoints ----------------------------------------------------------------------------------------------------

    def create_platform_endpoint(self, call: Call) -> None:
        """CreatePlatformEndpoint. A token has one endpoint, unless it is asked for with other attributes."""
        application = self._application(call)
        given = call.parameters
        attributes = {"Enabled": "true", "Token": given["Token"], **given.get("Attributes", {})}
        if "CustomUserData" in given:
            attributes.setdefault("CustomUserData", given["CustomUserData"])
        _check_endpoint(application.arn, attributes)
        token = attributes["Token"]
        for each in self._platforms.endpoints_of(application.arn):
            if each.attributes.get("Token") == token:
                if any(each.attributes.get(name) != value for name, value in attributes.items()):
                    reason = f"Endpoint {each.arn} already exists with the same Token, but different attributes."
                    raise refusals.invalid(f"Token Reason: {reason}")
                self._service.answer_when_safe(call, {"EndpointArn": each.arn})
                return
        made = self._new(application, attributes)
        self._platforms.put_endpoint(made)
        self._events.tell(application, CREATED, made.arn, call.now)
        self._service.answer_when_safe(call, {"EndpointArn": made.arn})

    def _new(self, application: Application, attributes: dict[str, str]) -> PlatformEndpoint:
        number = self._signer.secret_id("endpoint", application.arn, attributes["Token"])
        prefix, _, rest = application.arn.partition(":app/")
        return PlatformEndpoint(f"{prefix}:endpoint/{rest}/{number}", application.arn, attributes)

    def get_endpoint_attributes(self, call: Call) -> None:
        """GetEndpointAttributes."""
        call.answer({"Attributes": self._endpoint(call)[1].attributes})

    def set_endpoint_attributes(self, call: Call) -> None:
        """SetEndpointAttributes."""
        application, found = self._endpoint(call)
        _check_some(call.parameters["Attributes"])
        _check_endpoint(application.arn, call.parameters["Attributes"])
        if self._platforms.set_endpoint(found, call.parameters["Attributes"]):
            self._events.tell(application, UPDATED, found.arn, call.now)
        self._service.answer_when_safe(call)

    def delete_endpoint(self, call: Call) -> None:
        """DeleteEndpoint. One that is not there is deleted."""
        self._service.check_account(call)
        arn = call.parameters["EndpointArn"]
        parts_of(arn, "EndpointArn")
        found = self._platforms.of(call.caller.account, arn)
        if found is not None:
            self._platforms.delete_endpoint(arn)
            self._events.tell(found[0], DELETED, arn, call.now)
        self._service.answer_when_safe(call)

    def list_endpoints_by_platform_application(self, call: Call) -> None:
        """ListEndpointsByPlatformApplication."""
        found = list(self._platforms.endpoints_of(self._application(call).arn))
        page, token = page_of(found, call.parameters.get("NextToken"), lambda each: each.arn)
        endpoints = [{"EndpointArn": each.arn, "Attributes": each.attributes} for each in page]
        call.answer({"Endpoints": endpoints, "NextToken": token})

    def _endpoint(self, call: Call) -> tuple[Application, PlatformEndpoint]:
        self._service.check_account(call)
        arn = call.parameters["EndpointArn"]
        parts_of(arn, "EndpointArn")
        found = self._platforms.of(call.caller.account, arn)
        if found is None:
            raise refusals.not_found("Endpoint")
        return found


def _check_name(name: str) -> None:
    if not name:
        reason = "cannot be empty"
    elif len(name) > SNS_PLATFORM_NAME_CHARS_MAX:
        reason = f"must be at most {SNS_PLATFORM_NAME_CHARS_MAX} characters long"
    elif not _NAME.fullmatch(name):
        reason = "must contain only characters 'a'-'z', 'A'-'Z', '0'-'9', '_', '-', and '.'"
    else:
        return
    raise refusals.invalid(f"{name} Reason: {reason}")


def _check_some(attributes: Mapping[str, str]) -> None:
    if not attributes:
        raise refusals.missing("attributes")


def _check_pair(platform: str, attributes: Mapping[str, str]) -> None:
    """Raises AwsError unless there are credential and principal, or neither; Google has credentials alone."""
    _check_some(attributes)
    principal, credential = ("PlatformPrincipal" in attributes), ("PlatformCredential" in attributes)
    if principal and not credential:
        raise refusals.invalid("Attributes Reason: PlatformPrincipal attribute provided without PlatformCredential")
    if credential and not principal and platform not in _WITHOUT_PRINCIPAL:
        raise refusals.invalid("Attributes Reason: PlatformCredential attribute provided without PlatformPrincipal")


def _check_endpoint(application: str, attributes: Mapping[str, str]) -> None:
    known = _ENDPOINT_ATTRIBUTES | (_BAIDU_ATTRIBUTES if ":app/BAIDU/" in application else frozenset())
    for name in attributes:
        if name not in known:
            raise refusals.invalid(f"Attributes Reason: Invalid attribute name: {name}")
    if len(attributes.get("CustomUserData", "").encode()) > SNS_USER_DATA_BYTES_MAX:
        reason = f"must be at most {SNS_USER_DATA_BYTES_MAX} bytes long in UTF-8 encoding"
        raise refusals.invalid(f"Attributes Reason: Invalid value for attribute: CustomUserData: {reason}")


def _shown(attributes: Mapping[str, str]) -> dict[str, str]:
    """Without credentials, which are never given out again, but for how long a certificate of Apple's is good."""
    shown = {name: value for name, value in attributes.items() if name not in _SECRETS}
    expiry = expiry_of(attributes.get("PlatformPrincipal", ""))
    return shown if expiry is None else {**shown, _EXPIRY: expiry.strftime("%Y-%m-%dT%H:%M:%SZ")}
