"""Delivery policies: how often and when a delivery over HTTP is tried again, how fast, and with which content type.

A topic has one for all its subscriptions, a subscription may have its own. The phases of a healthy policy:

    at once            numNoDelayRetries
    before backoff     numMinDelayRetries, minDelayTarget apart
    backoff            the rest, by the backoff function between the two targets
    after backoff      numMaxDelayRetries, maxDelayTarget apart
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from mqbroker.aws.json_object import json_object
from mqbroker.aws.limits import SNS_DELAY_TARGET_S_MAX, SNS_RETRIES_MAX, SNS_RETRY_TIME_S_MAX
from mqbroker.aws.sns import refusals

DEFAULT_CONTENT_TYPE = "text/plain; charset=UTF-8"
_DEFAULT_HEALTHY: Mapping[str, Any] = {
    "minDelayTarget": 20,
    "maxDelayTarget": 20,
    "numRetries": 3,
    "numMaxDelayRetries": 0,
    "numNoDelayRetries": 0,
    "numMinDelayRetries": 0,
    "backoffFunction": "linear",
}
_DELAYS = ("minDelayTarget", "maxDelayTarget")
_COUNTS = ("numRetries", "numNoDelayRetries", "numMinDelayRetries", "numMaxDelayRetries")
_RATE = "maxReceivesPerSecond"
_SUBSCRIPTION_KEYS = ("healthyRetryPolicy", "sicklyRetryPolicy", "throttlePolicy", "requestPolicy", "guaranteed")
_TOPIC_KEYS = (
    "defaultHealthyRetryPolicy", "disableSubscriptionOverrides", "defaultThrottlePolicy", "defaultRequestPolicy",
)  # fmt: skip


# --- documents -------------------------------------------------------------------------------------------------------


def check_topic_policy(text: str, prefix: str) -> str:
    """A topic's policy as it is kept. Raises AwsError."""
    document = _parsed(text, prefix)
    http = document.get("http", {})
    if not isinstance(http, dict) or document.keys() - {"http"} or http.keys() - set(_TOPIC_KEYS):
        raise _wrong(prefix, "Unexpected JSON member")
    _check_healthy(http.get("defaultHealthyRetryPolicy"), "http.defaultHealthyRetryPolicy", prefix)
    _check_throttle(http.get("defaultThrottlePolicy"), "http.defaultThrottlePolicy", prefix)
    _check_request(http.get("defaultRequestPolicy"), prefix)
    kept = {name: value for name, value in http.items() if value is not None}
    kept.setdefault("disableSubscriptionOverrides", False)
    return orjson.dumps({"http": kept}).decode()


def check_subscription_policy(text: str, prefix: str) -> str:
    """A subscription's policy as it is kept: with every member, null where it says nothing. Raises AwsError."""
    document = _parsed(text, prefix)
    if document.keys() - set(_SUBSCRIPTION_KEYS):
        raise _wrong(prefix, "Unexpected JSON member")
    healthy = document.get("healthyRetryPolicy")
    _check_healthy(healthy, "healthyRetryPolicy", prefix)
    _check_throttle(document.get("throttlePolicy"), "throttlePolicy", prefix)
    _check_request(document.get("requestPolicy"), prefix)
    if healthy:
        document["healthyRetryPolicy"] = {**_DEFAULT_HEALTHY, **healthy}
    kept = {name: document.get(name) for name in _SUBSCRIPTION_KEYS}
    kept["guaranteed"] = bool(kept["guaranteed"])
    return orjson.dumps(kept).decode()


def effective_topic_policy(text: str) -> str:
    """A topic's policy with its defaults."""
    return orjson.dumps({"http": _effective_http(text)}).decode()


def _effective_http(text: str) -> dict[str, Any]:
    http: dict[str, Any] = orjson.loads(text)["http"] if text else {}
    shown: dict[str, Any] = {
        "defaultHealthyRetryPolicy": {**_DEFAULT_HEALTHY, **(http.get("defaultHealthyRetryPolicy") or {})},
        "disableSubscriptionOverrides": http.get("disableSubscriptionOverrides", False),
    }
    if http.get("defaultThrottlePolicy"):
        shown["defaultThrottlePolicy"] = http["defaultThrottlePolicy"]
    shown["defaultRequestPolicy"] = http.get("defaultRequestPolicy") or {"headerContentType": DEFAULT_CONTENT_TYPE}
    return shown


def effective_subscription_policy(text: str, topic_text: str) -> dict[str, Any]:
    """What holds for a subscription: its own policy over the topic's, unless that one forbids it."""
    http = _effective_http(topic_text)
    own: dict[str, Any] = orjson.loads(text) if text and not http["disableSubscriptionOverrides"] else {}
    return {
        "healthyRetryPolicy": own.get("healthyRetryPolicy") or http["defaultHealthyRetryPolicy"],
        "sicklyRetryPolicy": own.get("sicklyRetryPolicy"),
        "throttlePolicy": own.get("throttlePolicy") or http.get("defaultThrottlePolicy"),
        "requestPolicy": own.get("requestPolicy") or http["defaultRequestPolicy"],
        "guaranteed": bool(own.get("guaranteed")),
    }


def _parsed(text: str, prefix: str) -> dict[str, Any]:
    document = json_object(text)
    if document is None:
        raise _wrong(prefix, "failed to parse JSON.")
    return document


def _wrong(prefix: str, reason: str) -> Exception:
    return refusals.invalid(f"{prefix}DeliveryPolicy: {reason}")


def _check_healthy(policy: Any, path: str, prefix: str) -> None:
    if policy is None:
        return
    if not isinstance(policy, dict) or policy.keys() - _DEFAULT_HEALTHY.keys():
        raise _wrong(prefix, "Unexpected JSON member")
    for name in _DELAYS:
        _check_number(policy, path, name, 1, SNS_DELAY_TARGET_S_MAX, prefix)
    whole = {**_DEFAULT_HEALTHY, **policy}
    for name in _COUNTS:
        _check_number(policy if name == "numRetries" else whole, path, name, 0, SNS_RETRIES_MAX, prefix)
    if whole["minDelayTarget"] > whole["maxDelayTarget"]:
        raise _wrong(prefix, f"{path}.maxDelayTarget must be greater than or equal to minDelayTarget")
    if _backoff_count(whole) < 0:
        others = "numMinDelayRetries, numNoDelayRetries and numMaxDelayRetries"
        raise _wrong(prefix, f"{path}.numRetries must be greater than or equal to total of {others}")
    if whole["backoffFunction"] not in tuple(_SHAPES):  # a list or an object is no key
        raise _wrong(prefix, f"{path}.backoffFunction must be one of {', '.join(_SHAPES)}")
    if plan_of(whole).total_s > SNS_RETRY_TIME_S_MAX:
        raise _wrong(prefix, f"{path}: Total policy retry time cannot be greater than {SNS_RETRY_TIME_S_MAX} seconds")


def _check_number(policy: Mapping[str, Any], path: str, name: str, least: int, most: int | None, prefix: str) -> None:
    value = policy.get(name)
    if value is None:
        raise _wrong(prefix, f"{path}.{name} must be specified")
    if type(value) is not int or value < least:
        raise _wrong(prefix, f"{path}.{name} must be greater than or equal to {least}")
    if most is not None and value > most:
        raise _wrong(prefix, f"{path}.{name} must be less than or equal to {most}")


def _check_throttle(policy: Any, path: str, prefix: str) -> None:
    if policy is None:
        return
    if not isinstance(policy, dict) or policy.keys() - {_RATE}:
        raise _wrong(prefix, "Unexpected JSON member")
    if policy.get(_RATE) is not None:
        _check_number(policy, path, _RATE, 1, None, prefix)


def _check_request(policy: Any, prefix: str) -> None:
    if policy is None:
        return
    content_type = policy.get("headerContentType", "") if isinstance(policy, dict) else None
    if not isinstance(content_type, str) or not content_type.isascii() or not content_type.isprintable():
        raise _wrong(prefix, "headerContentType is not a valid content type")


# --- times -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """When a delivery that failed is tried again."""

    delays_s: tuple[float, ...]
    """How long after each of the first failures."""
    last_s: float = 0.0
    """How long after each of those that follow."""
    last_count: int = 0
    """How many of these there are."""

    @property
    def count(self) -> int:
        """How often a delivery is tried again."""
        return len(self.delays_s) + self.last_count

    @property
    def total_s(self) -> float:
        """How long all that takes, if nothing else does."""
        return sum(self.delays_s) + self.last_s * self.last_count

    def delay_ms(self, failures: int) -> int | None:
        """How long to wait after so many failures; None when that was the last one."""
        if failures > self.count:
            return None
        delay_s = self.delays_s[failures - 1] if failures <= len(self.delays_s) else self.last_s
        return round(delay_s * 1000)


def plan_of(policy: Mapping[str, Any]) -> RetryPlan:
    """The plan of a healthy retry policy."""
    low, high, backoff = policy["minDelayTarget"], policy["maxDelayTarget"], _backoff_count(policy)
    delays = [0.0] * policy["numNoDelayRetries"] + [float(low)] * policy["numMinDelayRetries"]
    delays += [_backoff(policy["backoffFunction"], low, high, step, backoff) for step in range(backoff)]
    return RetryPlan(tuple(delays), float(high), policy["numMaxDelayRetries"])


def _backoff_count(policy: Mapping[str, Any]) -> int:
    count: int = policy["numRetries"] - sum(policy[f"num{phase}DelayRetries"] for phase in ("No", "Min", "Max"))
    return count


def _backoff(function: str, low: float, high: float, step: int, count: int) -> float:
    part = step / (count - 1) if count > 1 else 0.0
    return low + (high - low) * _SHAPES[function](part, step, count)


_SHAPES: Mapping[str, Callable[[float, int, int], float]] = {
    "linear": lambda part, _step, _count: part,
    "arithmetic": lambda part, step, count: (step * (step + 1)) / (count * (count - 1)) if count > 1 else part,
    "geometric": lambda part, _step, _count: part * part,
    "exponential": lambda part, step, count: (2.0**step - 1) / (2.0 ** (count - 1) - 1) if count > 1 else part,
}


def _growing(low: float, high: float) -> tuple[float, ...]:
    """Ten delays, each so many times the one before."""
    return tuple(low * (high / low) ** (step / 9) for step in range(10))


MANAGED = RetryPlan((0.0,) * 3 + (1.0,) * 2 + _growing(1, 20), 20.0, 100_000)
"""For endpoints of AWS's own, such as functions and streams: for 23 days."""
CUSTOMER = RetryPlan((10.0,) * 2 + _growing(10, 600), 600.0, 38)
"""For e-mail, SMS and mobile push: for more than six hours."""
