"""How an option is declared: once, as a field of a frozen dataclass, with its bounds and its help beside its default.

The TOML key, the environment variable and the type follow from the field; the command-line flag is named where there is
one. This module knows neither the options of the broker nor where their values come from.
"""

import types
from collections.abc import Callable, Iterator
from dataclasses import Field, dataclass, field, fields, is_dataclass
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

ENVIRONMENT_PREFIX = "MQBROKER_"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rules:
    """What an option says of its values.

    `parse` turns text into the value and raises ValueError with the reason. `flag` is the command-line flag as the help
    shows it, such as `--data-dir DIR`, or empty.
    """

    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    parse: Callable[[str], Any] | None = None
    flag: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """One declared option. `path` is its TOML path; `kind` the type of a value, of one element if `is_list`.

    An option that `is_table` has any keys whose values are texts, and is a tuple of pairs.
    """

    path: tuple[str, ...]
    kind: type
    is_list: bool
    is_table: bool
    default: Any
    rules: Rules

    @property
    def environment_variable(self) -> str:
        """`amqp.frame_max` is MQBROKER_AMQP_FRAME_MAX."""
        return ENVIRONMENT_PREFIX + "_".join(self.path).upper()


def option(
    default: T,
    help: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    parse: Callable[[str], Any] | None = None,
    flag: str = "",
    is_secret: bool = False,
) -> T:
    """Declares an option as a dataclass field. Bounds are inclusive; a secret stays out of the repr."""
    rules = Rules(help, minimum, maximum, choices, parse, flag)
    return field(default=default, repr=not is_secret, metadata={"rules": rules})


def section(kind: type[T]) -> T:
    """Declares a TOML table whose options are the fields of the dataclass `kind`."""
    return field(default_factory=kind)


def tables(kind: type[T], help: str) -> tuple[T, ...]:
    """Declares an array of TOML tables; the options of each are the fields of the dataclass `kind`."""
    return cast(tuple[T, ...], field(default=(), metadata={"tables": kind, "help": help}))


def place() -> str:
    """Declares where an element of an array of tables was written, for errors that only show later; no option."""
    return field(default="", repr=False, compare=False, metadata={"place": True})


def has_place(kind: type) -> bool:
    """Whether the dataclass declares a `place`."""
    return any("place" in declared.metadata for declared in fields(kind))


def table_kind(declared: "Field[Any]") -> type | None:
    """The dataclass of the elements when the field is an array of tables."""
    return cast("type | None", declared.metadata.get("tables"))


def section_kind(declared: "Field[Any]") -> type | None:
    """The dataclass when the field is a TOML table."""
    factory: Any = declared.default_factory
    return cast(type, factory) if is_dataclass(factory) else None


def options_of(kind: Any, path: tuple[str, ...] = ()) -> Iterator[Option]:
    """The options declared directly by the dataclass `kind`, which sits at `path` of the file."""
    hints = get_type_hints(kind)
    for declared in fields(kind):
        if "rules" in declared.metadata:
            yield _option_of(declared, hints[declared.name], path)


def all_options(kind: Any, path: tuple[str, ...] = ()) -> Iterator[Option]:
    """The options of the dataclass `kind` and of its sections, but not of its arrays of tables."""
    yield from options_of(kind, path)
    for declared in fields(kind):
        inner = section_kind(declared)
        if inner is not None:
            yield from all_options(inner, (*path, declared.name))


def _option_of(declared: "Field[Any]", hint: Any, path: tuple[str, ...]) -> Option:
    is_list = get_origin(hint) is tuple
    kind = get_args(hint)[0] if is_list else _without_none(hint)
    is_table = is_list and get_origin(kind) is tuple
    return Option((*path, declared.name), kind, is_list, is_table, declared.default, declared.metadata["rules"])


def _without_none(hint: Any) -> Any:
    if isinstance(hint, types.UnionType):
        return next(kind for kind in get_args(hint) if kind is not type(None))
    return hint
