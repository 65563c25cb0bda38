"""What a service of AWS can be asked, read once at the start from the data files of botocore.

A model is a tree of plain `Shape`s per action, with every name resolved; nothing of botocore's code runs. How a shape
is read from or written to a wire is the business of the wires. A service whose model knows only the JSON protocol gets
its names on the Query wire from a table (`QueryNames`).

    botocore/data/<service>/<api version>/service-2.json.gz
        metadata    protocol, targetPrefix, jsonVersion, xmlNamespace
        operations  {name: {input: {shape}, output: {shape, resultWrapper}}}
        shapes      {name: {type, members | member | key, value, required, flattened, locationName}}
"""

import gzip
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore  # type: ignore[import-untyped]
import orjson


@dataclass(frozen=True, slots=True)
class Shape:
    """One type. Which fields mean something depends on `kind`, a type of the model: "structure", "list", "string"..."""

    kind: str
    members: Mapping[str, "Member"] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    element: "Shape | None" = None
    """Of a list: what is in it. Of a map: its values."""
    element_name: str = ""
    """Of a list: what the Query wire calls each element; "" where a flattened list uses its own name."""
    is_flattened: bool = False
    key_name: str = "key"
    value_name: str = "value"


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a structure: its shape, and what it is called on the Query wire."""

    shape: Shape
    query_name: str


@dataclass(frozen=True, slots=True)
class ActionModel:
    """One action; `output` is None where it answers nothing."""

    name: str
    input: Shape
    output: Shape | None
    result_name: str


@dataclass(frozen=True, slots=True)
class ServiceModel:
    """A service and its actions by name. `target_prefix` is "" for a service without the JSON wire."""

    name: str
    api_version: str
    namespace: str
    target_prefix: str
    json_version: str
    has_query_errors: bool
    actions: Mapping[str, ActionModel]
    errors: frozenset[str]
    path_member: str
    path_free_actions: frozenset[str]
    json_names: Mapping[str, str]
    open_actions: frozenset[str] = frozenset()
    """Those that need no signature."""
    checks_required: bool = True
    """Whether the wires refuse requests without required parameters; else the service does, in its own words."""
    data_actions: frozenset[str] = frozenset()
    """Those that move messages: the audit trail has them only where it is asked for."""
    resource_type: str = ""
    """What CloudTrail calls that which its actions are about, such as AWS::SQS::Queue."""


@dataclass(frozen=True, slots=True)
class QueryNames:
    """What the Query wire of a service needs and its JSON model does not say.

    `elements` gives the name of each element by the name of its list or map shape, `keys` the names of a map's key and
    value. `path_member` is the input member that the request's path stands for when it is missing; `path_free_actions`
    are the actions without it that may be sent to such a path all the same. `json_names` are the members of results
    that have another name in answers in JSON. The others are those of the service.
    """

    namespace: str
    elements: Mapping[str, str]
    keys: Mapping[str, tuple[str, str]]
    path_member: str = ""
    path_free_actions: frozenset[str] = frozenset()
    json_names: Mapping[str, str] = field(default_factory=dict)
    open_actions: frozenset[str] = frozenset()
    checks_required: bool = True
    data_actions: frozenset[str] = frozenset()
    resource_type: str = ""
    signed_as: str = ""
    """What signatures call the service, and what it is called here then, where its model has another name."""
    target_prefix: str = ""
    """That of the JSON wire, which older models do not know of."""


_NO_NAMES = QueryNames("", {}, {})


def load_model(name: str, query_names: QueryNames = _NO_NAMES, only: Collection[str] = ()) -> ServiceModel:
    """Reads the newest model that botocore has of a service such as "sqs": all actions, or only these."""
    newest = max((Path(botocore.__file__).parent / "data" / name).iterdir())  # their names are dates
    data = orjson.loads(gzip.decompress((newest / "service-2.json.gz").read_bytes()))
    if only:
        data["operations"] = {action: spec for action, spec in data["operations"].items() if action in only}
    return resolve_model(name, data, query_names)


def resolve_model(name: str, data: Mapping[str, Any], query_names: QueryNames = _NO_NAMES) -> ServiceModel:
    """The model of a service from the data of its file."""
    metadata = data["metadata"]
    resolver = _Resolver(data["shapes"], query_names)
    actions = {action: resolver.action(action, spec) for action, spec in data["operations"].items()}
    return ServiceModel(
        name=query_names.signed_as or name,
        api_version=metadata["apiVersion"],
        namespace=query_names.namespace or metadata.get("xmlNamespace", ""),
        target_prefix=metadata.get("targetPrefix", query_names.target_prefix),
        json_version=metadata.get("jsonVersion", "1.0"),
        has_query_errors="awsQueryCompatible" in metadata or bool(query_names.target_prefix),
        actions=actions,
        errors=frozenset(each for each, shape in data["shapes"].items() if shape.get("exception")),
        path_member=query_names.path_member,
        path_free_actions=query_names.path_free_actions,
        json_names=query_names.json_names,
        open_actions=query_names.open_actions,
        checks_required=query_names.checks_required,
        data_actions=query_names.data_actions,
        resource_type=query_names.resource_type,
    )


class _Resolver:
    """Turns references by name into shapes. A shape of a service here never contains itself."""

    def __init__(self, shapes: Mapping[str, Any], names: QueryNames) -> None:
        self._shapes = shapes
        self._names = names

    def action(self, name: str, spec: Mapping[str, Any]) -> ActionModel:
        output = spec.get("output")
        return ActionModel(
            name=name,
            input=self.shape(spec["input"]) if "input" in spec else Shape("structure"),
            output=None if output is None else self.shape(output),
            result_name=(output or {}).get("resultWrapper", f"{name}Result"),
        )

    def shape(self, reference: Mapping[str, Any]) -> Shape:
        name = reference["shape"]
        spec = self._shapes[name]
        kind = spec["type"]
        is_flattened = bool(reference.get("flattened", spec.get("flattened", False)))
        if kind == "structure":
            members = {each: self._member(each, inner) for each, inner in spec["members"].items()}
            return Shape(kind, members=members, required=tuple(spec.get("required", ())))
        if kind == "list":
            element = spec["member"]
            default = "" if is_flattened else "member"
            element_name = self._names.elements.get(name, element.get("locationName", default))
            return Shape(kind, element=self.shape(element), element_name=element_name, is_flattened=is_flattened)
        if kind == "map":
            default_keys = spec["key"].get("locationName", "key"), spec["value"].get("locationName", "value")
            key_name, value_name = self._names.keys.get(name, default_keys)
            element = self.shape(spec["value"])
            return Shape(kind, element=element, is_flattened=is_flattened, key_name=key_name, value_name=value_name)
        return Shape(kind)

    def _member(self, name: str, reference: Mapping[str, Any]) -> Member:
        shape = self.shape(reference)
        query_name = reference.get("locationName", name)
        if shape.kind == "map":
            query_name = self._names.elements.get(reference["shape"], query_name)
        return Member(shape, query_name)
