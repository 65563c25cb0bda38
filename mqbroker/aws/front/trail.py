"""What the audit trail is told of calls to AWS services, as CloudTrail would have it.

Calls that manage are told always, those that only look unless the trail does without, and those that move messages
where it wants them. What a call is told with is put together when it is answered.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mqbroker.aws.front.service import Action
from mqbroker.protocols.auditing import HIDDEN, STARS, Audit, hidden

if TYPE_CHECKING:
    from mqbroker.aws.auth.credentials import Caller
    from mqbroker.aws.front.call import Call
    from mqbroker.errors import AwsError
    from mqbroker.protocols.http.messages import HttpRequest

_READING = ("Get", "List", "Check", "Describe")
_SECRETS = {
    **dict.fromkeys(("messagebody", "message", "messageattributes", "messagesystemattributes", "subject"), HIDDEN),
    **dict.fromkeys(("token", "onetimepassword", "platformcredential", "platformprincipal"), STARS),
}


class CallTrail:
    """Tells the trail of the calls of one front."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def wants(self, action: Action) -> bool:
        """Whether the trail is to have calls of this action."""
        if action.is_data:
            return self._audit.has_data_events
        return bool(self._audit.folder) and (self._audit.has_reads or not _is_reading(action))

    def answered(self, call: "Call", result: Mapping[str, object] | None, error: "AwsError | None") -> None:
        """A call was answered with a result or an error."""
        fields = self._fields(call.action, call.caller, call.headers, call.request_id, error)
        shows_result = result and not _is_reading(call.action) and call.action.name != "ReceiveMessage"
        fields["requestParameters"] = _shown(call.parameters) or None
        fields["responseElements"] = _shown(result) if shows_result else None
        arn = _resource(call)
        if arn:
            fields["resources"] = [{"accountId": _account(arn), "type": call.action.service.resource_type, "ARN": arn}]
        self._audit.record(fields)

    def refused(self, action: Action, request: "HttpRequest", request_id: str, error: "AwsError") -> None:
        """A request did not show who has sent it."""
        fields = self._fields(action, None, request.headers, request_id, error)
        fields["sourceIPAddress"] = request.peer.host
        self._audit.record(fields, is_stranger=True)

    def _fields(
        self, action: Action, caller: "Caller | None", headers: Mapping[str, str], request_id: str,
        error: "AwsError | None",
    ) -> dict[str, Any]:  # fmt: skip
        return {
            "userIdentity": _identity(caller),
            "eventSource": f"{action.service.name}.amazonaws.com",
            "eventName": action.name,
            "awsRegion": "" if caller is None else caller.region,
            "sourceIPAddress": "" if caller is None else caller.source_ip,
            "userAgent": headers.get("user-agent", ""),
            "requestParameters": None,
            "responseElements": None,
            **({} if error is None else {"errorCode": error.code, "errorMessage": error.message}),
            "requestID": request_id,
            "readOnly": _is_reading(action),
            "eventType": "AwsApiCall",
            "managementEvent": not action.is_data,
            "recipientAccountId": "" if caller is None else caller.account,
            "eventCategory": "Data" if action.is_data else "Management",
        }


def _is_reading(action: Action) -> bool:
    return action.name.startswith(_READING)


def _identity(caller: "Caller | None") -> dict[str, str]:
    if caller is None or not caller.account:
        return {"type": "Unknown"}
    common = {"principalId": caller.user_id, "arn": caller.arn, "accountId": caller.account}
    if caller.access_key:
        common["accessKeyId"] = caller.access_key
    return {"type": "IAMUser", **common, "userName": caller.user} if caller.user else {"type": "Root", **common}


def _shown(values: Mapping[str, object] | None) -> dict[str, object]:
    """Parameters or a result as CloudTrail writes them: names begin with a small letter."""
    found = hidden(values or {}, _SECRETS)
    assert isinstance(found, dict)
    return {f"{name[:1].lower()}{name[1:]}": value for name, value in found.items()}


def _resource(call: "Call") -> str:
    """The ARN of what the call is about; empty where it names none."""
    arn = call.parameters.get("TopicArn") or call.parameters.get("ResourceArn")
    if isinstance(arn, str) and arn:
        return arn
    member = call.action.service.path_member
    url = call.parameters.get(member, "") if member else ""
    parts = str(url).rsplit("/", 2)
    if len(parts) < 3:
        return ""
    return f"arn:aws:{call.action.service.name}:{call.caller.region}:{parts[1]}:{parts[2]}"


def _account(arn: str) -> str:
    return (arn.split(":") + [""] * 5)[4]
