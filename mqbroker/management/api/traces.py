"""Following messages through a vhost for a while, below /api/mqbroker: for administrators, as it shows payloads."""

from mqbroker.management.answers import NO_CONTENT, Answer
from mqbroker.management.api.following import last_lines
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import ADMINISTRATOR
from mqbroker.management.limits import TRACE_S, TRACE_S_MAX, TRACE_TEXT_CHARS_MAX
from mqbroker.management.refusals import bad_request


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("mqbroker/trace", ADMINISTRATOR, GET=lines)
    routes.add("mqbroker/traces", ADMINISTRATOR, GET=traces)
    routes.add("mqbroker/traces/:vhost", ADMINISTRATOR, POST=begin, DELETE=end)


def lines(call: Call) -> Answer:
    """GET mqbroker/trace?count=100&text=orders: what was seen last."""
    return last_lines(call, call.ground.feeds["trace"])


def traces(call: Call) -> Answer:
    """GET mqbroker/traces: which vhosts are looked at, with which text, and until when."""
    found = [
        {"vhost": each.vhost.name, "text": each.text, "ends_at": each.ends_at} for each in call.ground.traces.watches()
    ]
    return Answer(body=found)


def begin(call: Call) -> Answer:
    """POST mqbroker/traces/V {text, seconds}: looks on from now on."""
    vhost, text, seconds = call.vhost_to_use(), call.string("text"), call.body.get("seconds", TRACE_S)
    if len(text) > TRACE_TEXT_CHARS_MAX:
        raise bad_request(f"text should have {TRACE_TEXT_CHARS_MAX} characters at most")
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 1 <= seconds <= TRACE_S_MAX:
        raise bad_request(f"seconds should be a number up to {TRACE_S_MAX}")
    call.ground.traces.begin(vhost, text, call.now + seconds * 1000)
    return NO_CONTENT


def end(call: Call) -> Answer:
    """DELETE mqbroker/traces/V."""
    call.ground.traces.end(call.vhost_to_use().name)
    return NO_CONTENT
