"""The log at run time: levels of categories, and new files."""

from mqbroker.management.answers import NO_CONTENT, Answer
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import ADMINISTRATOR, MONITORING
from mqbroker.management.refusals import bad_request
from mqbroker.runtime.logs import setup

_DEFAULT = "default"
_CATEGORY_CHARS_MAX = 100
_CATEGORIES_MAX = 200  # each stays for as long as the process


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("mqbroker/log/levels", MONITORING, GET=levels)
    routes.add("mqbroker/log/levels/:category", ADMINISTRATOR, PUT=set_level)
    routes.add("mqbroker/log/rotate", ADMINISTRATOR, POST=rotate)


def levels(_call: Call) -> Answer:
    """GET mqbroker/log/levels: of the categories that have one of their own, and of the others as `default`."""
    found = {_DEFAULT: setup.default_level(), **setup.levels()}
    return Answer(body=[{"category": category, "level": level} for category, level in found.items()])


def set_level(call: Call) -> Answer:
    """PUT mqbroker/log/levels/C {"level": L}: until the next start."""
    (level,) = call.require("level")
    category = call.name("category")
    if not isinstance(level, str) or level not in setup.LEVELS:
        raise bad_request(f"level should be one of {', '.join(setup.LEVELS)}")
    if len(category) > _CATEGORY_CHARS_MAX or not category.replace(".", "").replace("_", "").isalnum():
        raise bad_request("a category is letters, digits and dots, such as amqp")
    if len(setup.levels()) >= _CATEGORIES_MAX:
        raise bad_request("too many categories have a level of their own")
    setup.set_level("" if category == _DEFAULT else category, level)
    return NO_CONTENT


def rotate(_call: Call) -> Answer:
    """POST mqbroker/log/rotate: begins a new file."""
    setup.rotate()
    return NO_CONTENT
