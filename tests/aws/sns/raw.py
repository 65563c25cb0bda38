"""Calls of SNS that boto3 would not make: a form, and the code and message of what is refused."""

import urllib.error
import urllib.parse
import urllib.request
from xml.etree import ElementTree

from tests.support.broker_process import BrokerProcess

_SPACE = "{http://sns.amazonaws.com/doc/2010-03-31/}"


def call(broker: BrokerProcess, action: str, **parameters: str) -> ElementTree.Element:
    """What is answered; names of parameters have `__` for a dot."""
    form = {"Action": action, "Version": "2010-03-31"}
    form |= {name.replace("__", "."): value for name, value in parameters.items()}
    request = urllib.request.Request(
        f"http://127.0.0.1:{broker.ports['aws']}/", urllib.parse.urlencode(form).encode(), {"X-Test": "1"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return ElementTree.fromstring(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return ElementTree.fromstring(error.read())


def refused(broker: BrokerProcess, action: str, **parameters: str) -> tuple[str, str]:
    """Code and message of a call that must be refused."""
    answer = call(broker, action, **parameters)
    found = answer.find(f"{_SPACE}Error")
    assert found is not None, ElementTree.tostring(answer)
    return found.findtext(f"{_SPACE}Code", ""), found.findtext(f"{_SPACE}Message", "")
