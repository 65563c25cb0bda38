"""Lists as their reader wants them: in order, filtered by name, a page of them, some of their columns.

There may be a hundred thousand items, so they are looked at in slices, and the loop goes on between them. For order
alone an item is shown as a whole only where there is no shorter way to the column.
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mqbroker.management.answers import Listing
from mqbroker.management.limits import KEYS_SLICE_ITEMS, PAGE_SIZE, PAGE_SIZE_MAX, PATTERN_CHARS_MAX, SLICE_ITEMS
from mqbroker.management.refusals import Refusal, bad_request
from mqbroker.protocols.plain_json import clean

_FILTER_S_MAX = 1.0  # for all names together: a pattern that takes longer goes back and forth without end
_INVALID = "Pagination parameters are invalid"
_REPEATED = re.compile(r"[*+]|\{\d*,\d*\}")


async def shown(listing: Listing, query: Mapping[str, str]) -> object:
    """What is answered for a list. Raises Refusal."""
    is_paged = "page" in query
    page, size = _page(query) if is_paged else (1, 0)
    total = len(listing.items)
    items = await _filtered(listing, query)
    items = await _ordered(items, listing, query)
    filtered = len(items)
    if is_paged:
        if page > max(1, -(-filtered // size)):
            text = f"Page out of range, page: {page} page size: {size}, len: {filtered}"
            raise Refusal(400, "page_out_of_range", text)
        items = items[(page - 1) * size : page * size]
    found = await in_slices(items, picker(listing.show, query), SLICE_ITEMS)
    if not is_paged:
        return found
    return {
        "total_count": total,
        "item_count": len(found),
        "filtered_count": filtered,
        "page": page,
        "page_size": size,
        "page_count": -(-filtered // size),
        "items": found,
    }


def picker(show: Callable[[Any], Mapping[str, Any]], query: Mapping[str, str]) -> Callable[[Any], Mapping[str, Any]]:
    """Shows the columns that are asked for."""
    columns = _columns(query)
    return (lambda item: _picked(show(item), columns)) if columns else show


def _columns(query: Mapping[str, str]) -> dict[str, Any]:
    """The columns as a tree: those of `a.b,c` are a, with b below it, and c."""
    tree: dict[str, Any] = {}
    for column in filter(None, query.get("columns", "").split(",")):
        branch = tree
        for part in column.split("."):
            branch = branch.setdefault(part, {})
    return tree


def _picked(value: Any, columns: dict[str, Any]) -> Any:
    if not columns:
        return value
    if isinstance(value, Mapping):
        return {name: _picked(value[name], below) for name, below in columns.items() if name in value}
    return [_picked(each, columns) for each in value] if isinstance(value, list) else value


# --- pages ----------------------------------------------------------------------------------------------------------


def _page(query: Mapping[str, str]) -> tuple[int, int]:
    try:
        page = int(query["page"])
        size = int(query["page_size"]) if query.get("page_size") else None
    except ValueError:
        raise bad_request(_INVALID) from None
    if page < 1 or (size is not None and not 1 <= size <= PAGE_SIZE_MAX):
        shown_size = "undefined" if size is None else size
        text = f"Invalid pagination parameters: page number {page}, page size {shown_size}"
        raise Refusal(400, "invalid_pagination_parameters", text)
    return page, size or PAGE_SIZE


# --- filters --------------------------------------------------------------------------------------------------------


async def _filtered(listing: Listing, query: Mapping[str, str]) -> Sequence[Any]:
    wanted = query.get("name", "")
    if not wanted:
        return listing.items
    matches = name_filter(wanted) if query.get("use_regex") == "true" else _substring(wanted)
    deadline = time.monotonic() + _FILTER_S_MAX
    found = []
    for start in range(0, len(listing.items), SLICE_ITEMS):
        found += [item for item in listing.items[start : start + SLICE_ITEMS] if matches(listing.identity(item)[-1])]
        if time.monotonic() > deadline:
            raise bad_request(_INVALID)
        if start % KEYS_SLICE_ITEMS == 0:
            await asyncio.sleep(0)
    return found


def _substring(wanted: str) -> Callable[[str], bool]:
    folded = wanted.casefold()
    return lambda name: folded in name.casefold()


def name_filter(text: str) -> Callable[[str], bool]:
    """Raises Refusal for a pattern that is none, or that can take exponential time."""
    if len(text) > PATTERN_CHARS_MAX or repeats_repeated(text):
        raise bad_request(_INVALID)
    try:
        pattern = re.compile(text, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError):
        raise bad_request(_INVALID) from None
    return lambda name: pattern.search(name) is not None


def repeats_repeated(pattern: str) -> bool:
    """Whether a group is repeated that repeats or chooses inside, such as `(a+)+` or `(a|a)*`: that can take a time
    that doubles with each letter. Some harmless patterns are refused with them."""
    text = re.sub(r"\\.|\[\^?\]?[^\]]*\]", "a", pattern, flags=re.DOTALL)
    depth_with_choice: list[bool] = [False]
    for at, letter in enumerate(text):
        if letter == "(":
            depth_with_choice.append(False)
        elif letter == ")" and len(depth_with_choice) > 1:
            inside = depth_with_choice.pop()
            depth_with_choice[-1] |= inside
            if inside and _REPEATED.match(text, at + 1):
                return True
        elif letter in "*+{|":
            depth_with_choice[-1] = True
    return False


# --- order ----------------------------------------------------------------------------------------------------------


async def _ordered(items: Sequence[Any], listing: Listing, query: Mapping[str, str]) -> list[Any]:
    column = query.get("sort")
    if column == "":
        return list(items)
    is_reverse = query.get("sort_reverse") == "true"
    if column is None:
        return sorted(items, key=listing.identity, reverse=is_reverse)
    known = listing.keys(column)
    key = known or (lambda item: value_at(listing.show(item), column))
    values = await in_slices(items, key, KEYS_SLICE_ITEMS if known else SLICE_ITEMS)
    known_ranks: dict[int, _Rank] = {}  # many have the same table, such as that of a policy
    ranked = [
        (_rank(value, known_ranks), listing.identity(item), at)
        for at, (value, item) in enumerate(zip(values, items, strict=True))
    ]
    ranked.sort(reverse=is_reverse)
    return [items[at] for _, _, at in ranked]


def value_at(value: Any, column: str) -> Any:
    """The value at a dotted path; None where there is none."""
    for part in column.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


_Rank = tuple[int, float, str]


def _rank(value: object, known: dict[int, _Rank]) -> _Rank:
    """Numbers before texts, and what is not there before both. `known` has those of tables by their identity."""
    if value is None:
        return 0, 0, ""
    if isinstance(value, bool | int | float):
        return 1, value, ""
    if isinstance(value, str):
        return 2, 0, str(clean(value))
    found = known.get(id(value))
    if found is None:
        found = known[id(value)] = 2, 0, str(clean(value))
    return found


async def in_slices(items: Sequence[Any], make: Callable[[Any], Any], slice_items: int) -> list[Any]:
    """What is made of each item; others have their turn of the loop after so many."""
    found = []
    for start in range(0, len(items), slice_items):
        found += [make(item) for item in items[start : start + slice_items]]
        if start + slice_items < len(items):
            await asyncio.sleep(0)
    return found
