"""The section [destinations]: what names of queues and topics mean to clients that know ActiveMQ's."""

from dataclasses import dataclass

from mqbroker.config.option import option

_KINDS = ("queue://", "topic://")


def _check(text: str) -> str:
    if not text.startswith(_KINDS) or text in _KINDS:
        raise ValueError(f"has {text!r}, which is neither queue:// nor topic:// with a name")
    return text


@dataclass(frozen=True, slots=True)
class Composite:
    """A destination that stands for others."""

    name: str
    targets: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Composite":
        """Raises ValueError with the reason, which continues a sentence that names the option."""
        name, has_targets, targets = text.partition("=")
        if not has_targets:
            raise ValueError(f"has {text!r}, which is not of the form queue://A = queue://B + topic://C")
        return cls(_check(name.strip()), tuple(_check(each.strip()) for each in targets.split("+")))


@dataclass(frozen=True, slots=True)
class DestinationsConfig:
    """[destinations]"""

    virtual_topics: tuple[str, ...] = option(
        ("VirtualTopic.>",),
        "Topics with queues named after them that get what is published; * is a word, > the rest.",
    )
    virtual_topic_prefix: str = option("Consumer.*.", "What the names of such queues have before the topic's.")
    virtual_topics_selector_aware: bool = option(
        False,
        "Such queues take of the topic only what a consumer that is there selects, and nothing without consumers.",
    )
    advisories: bool = option(False, "Whether topics ActiveMQ.Advisory.* say what happens in the broker.")
    composites: tuple[Composite, ...] = option(
        (), "Destinations that stand for others, as in queue://A = queue://B + topic://C.", parse=Composite.parse
    )
    mirrored_queues: bool = option(
        False, "What is sent to a queue, in ActiveMQ's dialect or to queue://, goes to a topic as well."
    )
    mirror_prefix: str = option("VirtualTopic.Mirror.", "What the name of that topic has before the queue's.")
    mirror_postfix: str = option("", "What it has after the queue's.")
