"""The pages beside SNS: the certificate that signatures are verified with, and what was delivered lately.

GET /_mqbroker/sns/SimpleNotificationService-<digest>.pem     for everybody
GET /_mqbroker/sns/notifications[?TopicArn=...]               for tests and operators
"""

import orjson

from mqbroker.aws.front.front import PAGES_PATH, Page
from mqbroker.aws.front.page_guard import JSON, PageGuard, guarded
from mqbroker.aws.sns.envelope import timestamp_text
from mqbroker.aws.sns.reports import Outcome, Reports
from mqbroker.aws.sns.signer import Signer
from mqbroker.protocols.http.messages import HttpRequest, HttpResponse

_PEM = b"application/x-pem-file"


class Pages:
    """Answers requests for pages."""

    def __init__(self, reports: Reports, signer: Signer, guard: PageGuard) -> None:
        self._reports = reports
        self._signer = signer
        self._guard = guard

    def table(self) -> dict[tuple[str, str], Page]:
        """The pages by method and path; the name of the certificate is known only once there is a key."""
        folder = f"{PAGES_PATH}sns/"
        return {("GET", folder): self._certificate, ("GET", f"{folder}notifications"): guarded(self._notifications)}

    def _certificate(self, request: HttpRequest, _query: dict[str, str]) -> HttpResponse:
        if request.target.partition("?")[0].rpartition("/")[2] != self._signer.certificate_name:
            return HttpResponse(404, b"text/plain", b"There is no such page.\n")
        return HttpResponse(200, _PEM, self._signer.certificate)

    def _notifications(self, request: HttpRequest, query: dict[str, str]) -> HttpResponse:
        self._guard.administrator(request, "sns")
        topic = query.get("TopicArn", "")
        found = [_shown(each) for each in self._reports.recent if not topic or str(each.subscription.topic) == topic]
        return HttpResponse(200, JSON, orjson.dumps({"Notifications": found}))


def _shown(outcome: Outcome) -> dict[str, object]:
    subscription = outcome.subscription
    return {
        "MessageId": outcome.message_id,
        "TopicArn": str(subscription.topic),
        "SubscriptionArn": str(subscription.arn),
        "Protocol": subscription.protocol.name,
        "Endpoint": subscription.endpoint,
        "Timestamp": timestamp_text(outcome.at),
        "Status": "SUCCESS" if outcome.is_success else "FAILURE",
        "StatusCode": outcome.status,
        "Reason": outcome.reason,
        "Attempts": outcome.attempts,
    }
