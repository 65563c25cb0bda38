"""What gateways are sent: a text of the operator's with names in braces, for which values are put in.

How a value is written depends on where it stands: in a URL, in JSON, or in a form.
"""

import re
from collections.abc import Callable, Mapping
from urllib.parse import quote

import orjson

_NAME = re.compile(r"\{([a-z_]+)\}")


def filled(template: str, values: Mapping[str, str], content_type: str = "") -> str:
    """The template with its values; without a content type it is a URL. Unknown names are left as they are."""
    write = _writer(content_type)
    return _NAME.sub(lambda found: write(values[found[1]]) if found[1] in values else found[0], template)


def _writer(content_type: str) -> Callable[[str], str]:
    if "json" in content_type:
        return lambda text: orjson.dumps(text).decode()[1:-1]
    if not content_type or "urlencoded" in content_type:
        return lambda text: quote(text, safe="")
    return str
