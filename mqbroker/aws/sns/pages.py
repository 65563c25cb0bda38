"""The pages beside SNS: the certificate that signatures are verified with, what was delivered lately, links in mail.

GET /_mqbroker/sns/SimpleNotificationService-<digest>.pem     for everybody
GET /_mqbroker/sns/notifications[?TopicArn=...]               for tests and operators
GET /_mqbroker/sns/confirmation.html?TopicArn=...&Token=...   for people who have got mail
GET /_mqbroker/sns/unsubscribe.html?SubscriptionArn=...       the same
POST /_mqbroker/sns/replies?key=...                           for the gateway for text messages
"""

from html import escape

import orjson

from mqbroker.aws.front.front import PAGES_PATH, AnyPage, KeptPage
from mqbroker.aws.front.page_guard import JSON, PageGuard, guarded
from mqbroker.aws.sns.envelope import timestamp_text
from mqbroker.aws.sns.replies import Replies
from mqbroker.aws.sns.reports import Outcome, Reports
from mqbroker.aws.sns.signer import Signer
from mqbroker.aws.sns.subscription_actions import SubscriptionActions
from mqbroker.clock import Clock
from mqbroker.core.ledger import Ledger
from mqbroker.protocols.http.messages import HttpRequest, HttpResponse

_PEM = b"application/x-pem-file"


class Pages:
    """Answers requests for pages."""

    def __init__(
        self, reports: Reports, signer: Signer, guard: PageGuard, subscriptions: SubscriptionActions, replies: Replies,
        clock: Clock, ledger: Ledger,
    ) -> None:  # fmt: skip
        self._reports = reports
        self._signer = signer
        self._guard = guard
        self._subscriptions = subscriptions
        self._replies = replies
        self._clock = clock
        self._ledger = ledger

    def table(self) -> dict[tuple[str, str], AnyPage]:
        """The pages by method and path; the name of the certificate is known only once there is a key."""
        folder = f"{PAGES_PATH}sns/"
        return {
            ("GET", folder): self._certificate,
            ("GET", f"{folder}notifications"): guarded(self._notifications),
            ("GET", f"{folder}confirmation.html"): KeptPage(self._confirm, self._ledger),
            ("GET", f"{folder}unsubscribe.html"): KeptPage(self._unsubscribe, self._ledger),
            ("POST", f"{folder}replies"): KeptPage(self._replies.page, self._ledger),
        }

    def _confirm(self, _request: HttpRequest, query: dict[str, str]) -> HttpResponse:
        topic, token = query.get("TopicArn", ""), query.get("Token", "")
        found = self._subscriptions.confirm(topic, token, "", False, self._clock.now())
        return _page(
            "Subscription confirmed!", f"You have successfully subscribed. Your subscription's id is: {found.arn}"
        )

    def _unsubscribe(self, _request: HttpRequest, query: dict[str, str]) -> HttpResponse:
        arn = query.get("SubscriptionArn", "")
        self._subscriptions.end_by_link(arn, self._clock.now())
        return _page("Subscription removed!", f"Your subscription has been removed: {arn}")

    def _certificate(self, request: HttpRequest, _query: dict[str, str]) -> HttpResponse:
        if request.target.partition("?")[0].rpartition("/")[2] != self._signer.certificate_name:
            return HttpResponse(404, b"text/plain", b"There is no such page.\n")
        return HttpResponse(200, _PEM, self._signer.certificate)

    def _notifications(self, request: HttpRequest, query: dict[str, str]) -> HttpResponse:
        self._guard.administrator(request, "sns")
        topic = query.get("TopicArn", "")
        shown = map(_shown, self._reports.recent())
        found = [each for each in shown if not topic or each["TopicArn"] == topic]
        return HttpResponse(200, JSON, orjson.dumps({"Notifications": found}))


def _page(title: str, text: str) -> HttpResponse:
    body = f"<!DOCTYPE html><title>{escape(title)}</title><h1>{escape(title)}</h1><p>{escape(text)}</p>\n"
    return HttpResponse(200, b"text/html; charset=utf-8", body.encode())


def _shown(outcome: Outcome) -> dict[str, object]:
    subscription = outcome.subscription
    return {
        "MessageId": outcome.message_id,
        "TopicArn": "" if subscription is None else str(subscription.topic),
        "SubscriptionArn": "" if subscription is None else str(subscription.arn),
        "Protocol": outcome.protocol,
        "Endpoint": outcome.endpoint,
        "Timestamp": timestamp_text(outcome.at),
        "Status": "SUCCESS" if outcome.is_success else "FAILURE",
        "StatusCode": outcome.status,
        "Reason": outcome.reason,
        "Attempts": outcome.attempts,
    }
