"""What gateways are sent: values are written as where they stand needs it, and bring nothing along."""

import json
from urllib.parse import parse_qs

from hypothesis import given
from hypothesis import strategies as st

from mqbroker.delivery.templates import filled


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_value_stays_in_its_place(text: str) -> None:
    """A message with a quotation mark changed what the gateway was told."""
    assert json.loads(filled('{"text": "{text}"}', {"text": text}, "application/json")) == {"text": text}
    form = filled("text={text}&to=1", {"text": text}, "application/x-www-form-urlencoded")
    assert parse_qs(form, keep_blank_values=True) == {"text": [text], "to": ["1"]}
    assert "/" not in filled("{text}", {"text": text})


def test_unknown_names_are_left_as_they_are() -> None:
    assert filled("{a} {b}", {"a": "{b}"}, "text/plain") == "{b} {b}"
