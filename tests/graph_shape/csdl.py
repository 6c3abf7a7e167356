"""Graph's types out of CSDL: what a name may hold, and what extends what.

Reads the XML that Microsoft publishes, whole or cut to what is served here.

CSDL: https://docs.oasis-open.org/odata/odata-csdl-xml/v4.01/odata-csdl-xml-v4.01.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

_EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
_NAMESPACES = ("microsoft.graph.", "graph.")
_PROPERTIES = frozenset({f"{_EDM}Property", f"{_EDM}NavigationProperty"})


@dataclass(frozen=True, slots=True)
class Shape:
    """What stands somewhere: one value of a type, or a list of them; `Edm.…` or a name of ours.

    One out of many *is_keyed*: only its key tells which one it is.
    """

    kind: str
    is_many: bool = False
    is_keyed: bool = False

    @property
    def one(self) -> "Shape":
        """One of these many."""
        return Shape(self.kind, is_keyed=True)

    @classmethod
    def read(cls, written: str) -> "Shape":
        """Read a type as CSDL writes it."""
        if written.startswith("Collection("):
            return cls(_bare(written[len("Collection(") : -1]), is_many=True)
        return cls(_bare(written))


@dataclass(frozen=True, slots=True)
class Field:
    """A property: its type, and whether it may be null."""

    shape: Shape
    is_nullable: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """A structured type, without what it inherits."""

    name: str
    base: str
    fields: Mapping[str, Field]
    is_entity: bool
    is_open: bool


class Csdl:
    """Everything a service says of its types."""

    def __init__(self, text: str) -> None:
        schemas = [*ET.fromstring(text).iter(f"{_EDM}Schema")]  # noqa: S314 - our own file
        self._kinds = {one.name: one for schema in schemas for one in _kinds(schema)}
        self._enums = dict(_enums(schemas))
        self.roots = dict(_roots(schemas))
        self.actions = dict(_actions(schemas))

    def kind(self, name: str) -> Kind | None:
        """The structured type *name*."""
        return self._kinds.get(name)

    def members(self, name: str) -> frozenset[str] | None:
        """The members of the enumeration *name*."""
        return self._enums.get(name)

    def line(self, name: str) -> Iterator[Kind]:
        """*name*, what it extends, and so on."""
        while (kind := self._kinds.get(name)) is not None:
            yield kind
            name = kind.base

    def extends(self, name: str, base: str) -> bool:
        """Whether *name* is *base* or comes of it."""
        return any(kind.name == base for kind in self.line(name))

    def fields(self, name: str) -> dict[str, Field]:
        """The properties of *name*, inherited ones too."""
        return {field: told for kind in self.line(name) for field, told in kind.fields.items()}

    def is_open(self, name: str) -> bool:
        """Whether more may stand in *name* than is declared."""
        return any(kind.is_open for kind in self.line(name))

    def is_entity(self, name: str) -> bool:
        """Whether *name* has a key."""
        return any(kind.is_entity for kind in self.line(name))


@cache
def published(version: str = "v1.0") -> Csdl:
    """What the excerpt beside this module says of a version of Graph."""
    return Csdl(Path(__file__).with_name(f"{version}.xml").read_text(encoding="utf-8"))


def bare(name: str) -> str | None:
    """*name* without Graph's namespace; None if it is in none of its."""
    return next((name[len(ns) :] for ns in _NAMESPACES if name.startswith(ns)), None)


def _bare(name: str) -> str:
    return bare(name) or name


def _kinds(schema: ET.Element) -> Iterator[Kind]:
    for tag in ("EntityType", "ComplexType"):
        for element in schema.iter(f"{_EDM}{tag}"):
            yield Kind(
                element.attrib["Name"],
                _bare(element.get("BaseType", "")),
                {child.attrib["Name"]: _field(child) for child in element if _is_field(child)},
                is_entity=tag == "EntityType",
                is_open=element.get("OpenType") == "true",
            )


def _is_field(element: ET.Element) -> bool:
    return element.tag in _PROPERTIES


def _field(element: ET.Element) -> Field:
    return Field(Shape.read(element.attrib["Type"]), element.get("Nullable") != "false")


def _enums(schemas: list[ET.Element]) -> Iterator[tuple[str, frozenset[str]]]:
    for schema in schemas:
        for element in schema.iter(f"{_EDM}EnumType"):
            members = element.iter(f"{_EDM}Member")
            yield element.attrib["Name"], frozenset(one.attrib["Name"] for one in members)


def _roots(schemas: list[ET.Element]) -> Iterator[tuple[str, Shape]]:
    for schema in schemas:
        for element in schema.iter(f"{_EDM}EntitySet"):
            yield element.attrib["Name"], Shape(_bare(element.attrib["EntityType"]), is_many=True)
        for element in schema.iter(f"{_EDM}Singleton"):
            yield element.attrib["Name"], Shape(_bare(element.attrib["Type"]))


def _actions(schemas: list[ET.Element]) -> Iterator[tuple[tuple[str, str], Shape | None]]:
    for schema in schemas:
        for element in schema.iter(f"{_EDM}Action"):
            bound, given = element.find(f"{_EDM}Parameter"), element.find(f"{_EDM}ReturnType")
            if bound is not None and element.get("IsBound") == "true":
                to = Shape.read(bound.attrib["Type"])
                answer = None if given is None else Shape.read(given.attrib["Type"])
                yield (element.attrib["Name"], to.kind), answer
