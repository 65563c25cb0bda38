"""A plugin for mypy: what an interpreted module reaches of a compiled class has to be public in its .pxd.

An attribute costs a getter and a setter in C, and a method a wrapper; nearly a tenth of the C code was for those that
nothing used. So only what is needed from Python has them; without this check, interpreted tests would pass and a
compiled broker fail.
"""

import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from mypy.plugin import AttributeContext, CheckerPluginInterface, MethodSigContext, Plugin, ReportConfigContext
from mypy.types import FunctionLike, Instance, Type, get_proper_type

ROOT = Path(__file__).parents[1]
CLASS = re.compile(r"cdef class (\w+)")
ATTRIBUTE = re.compile(r"    cdef (readonly )?(?!public )[\w. ]+?\b(\w+(?:, \w+)*)$")
METHOD = re.compile(r"    cdef [^(=]*?\b(\w+)\(")

PXDS = sorted((ROOT / "mqbroker").rglob("*.pxd"))
COMPILED = {str(path.with_suffix(".py")) for path in PXDS}


def kept_from_python() -> dict[str, str]:
    """Full names of what Python cannot reach, or what it cannot set: which of both."""
    found: dict[str, str] = {}
    for path in PXDS:
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        owner = ""
        for line in path.read_text().splitlines():
            if opening := CLASS.match(line):
                owner = f"{module}.{opening[1]}"
            elif attribute := ATTRIBUTE.match(line):
                names = attribute[2].split(", ")
                found |= {f"{owner}.{name}": "read-only" if attribute[1] else "private" for name in names}
            elif method := METHOD.match(line):
                found[f"{owner}.{method[1]}"] = "private"
    return found


KEPT = kept_from_python()
NAMES = {name.rpartition(".")[2] for name in KEPT}


def check(name: str, receiver: Type, is_set: bool, context: Any, api: CheckerPluginInterface) -> None:
    """Reports an access from an interpreted module that its compiled class does not permit."""
    kind = get_proper_type(receiver)
    if not isinstance(kind, Instance) or str(Path(api.path).resolve()) in COMPILED:
        return
    for base in kind.type.mro:
        how = KEPT.get(f"{base.fullname}.{name}")
        if how == "private" or (how and is_set):
            api.fail(f"{base.name}.{name} is {how} in the .pxd of {base.module_name}", context)


class CompiledAccess(Plugin):
    """Asked by mypy about each attribute and each call of a method."""

    def get_attribute_hook(self, fullname: str) -> Callable[[AttributeContext], Type] | None:
        name = fullname.rpartition(".")[2]

        def hook(context: AttributeContext) -> Type:
            check(name, context.type, context.is_lvalue, context.context, context.api)
            return context.default_attr_type

        return hook if name in NAMES else None

    def get_method_signature_hook(self, fullname: str) -> Callable[[MethodSigContext], FunctionLike] | None:
        name = fullname.rpartition(".")[2]

        def hook(context: MethodSigContext) -> FunctionLike:
            check(name, context.type, False, context.context, context.api)
            return context.default_signature

        return hook if name in NAMES else None

    def report_config_data(self, _context: ReportConfigContext) -> str:
        """What mypy remembers of a module is out of date when this changes."""
        return sha256(repr(sorted(KEPT.items())).encode()).hexdigest()


def plugin(_version: str) -> type[Plugin]:
    """What mypy looks for."""
    return CompiledAccess
