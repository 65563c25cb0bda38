"""What users of telephones write back, told by a gateway for text messages that speaks HTTP.

POST /_mqbroker/sns/replies?key=...         a form or a JSON object that has the number and the text

A gateway cannot sign requests as AWS's clients do, so it shows a key of the configuration.
"""

from collections.abc import Callable
from hmac import compare_digest

from mqbroker.aws.config import SnsConfig
from mqbroker.aws.front.query_wire import parse_form
from mqbroker.aws.json_object import json_object
from mqbroker.aws.sns.protocols import e164, is_phone_number
from mqbroker.protocols.http.messages import HttpRequest, HttpResponse

_TEXT = b"text/plain"


class Replies:
    """Takes them."""

    def __init__(self, config: SnsConfig, heard: Callable[[str, str], None]) -> None:
        """`heard` is called with the number and the text."""
        self._config = config
        self._heard = heard

    def page(self, request: HttpRequest, query: dict[str, str]) -> HttpResponse:
        """Answers a request of the gateway's. Raises AwsError for a form that is none."""
        key = self._config.sms_replies_key.encode()
        if not key or not compare_digest(key, query.get("key", "").encode("utf-8", "surrogatepass")):
            return HttpResponse(403, _TEXT, b"The key is not that of aws.sns.sms_replies_key.\n")
        is_json = request.headers.get("content-type", "").startswith("application/json")
        said = (json_object(request.body) or {}) if is_json else parse_form(request.body)
        phone, text = said.get(self._config.sms_reply_from), said.get(self._config.sms_reply_text)
        if not isinstance(phone, str) or not isinstance(text, str) or not is_phone_number(phone):
            return HttpResponse(400, _TEXT, b"A reply has a telephone number and a text.\n")
        self._heard(e164(phone), text)
        return HttpResponse(200, _TEXT, b"")
