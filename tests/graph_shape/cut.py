"""Cut the types that the sandbox serves out of what Microsoft makes of Graph's CSDL.

    python -m graph_shape.cut v1.0 SITE_PACKAGES/msgraph/generated microsoft-graph.d.ts >v1.0.xml
    python -m graph_shape.cut beta SITE_PACKAGES/msgraph_beta/generated >beta.xml

The CSDL itself is on no package index. Two things that Microsoft's own generators write from
it are: msgraph-sdk, with every name, type and member, and the npm package
@microsoft/microsoft-graph-types, with what may be null. From both this writes CSDL again, as
much of it as `wanted` names; what it cannot tell is said in README.md.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

from graph_shape.wanted import VERSIONS, Wanted

NAMESPACE = "microsoft.graph"

_EDM = "http://docs.oasis-open.org/odata/ns/edm"

# What a model calls on the parser, and what it reads there.
_PRIMITIVES = {
    "str": "Edm.String",
    "bool": "Edm.Boolean",
    "int": "Edm.Int64",
    "float": "Edm.Double",
    "uuid": "Edm.Guid",
    "datetime": "Edm.DateTimeOffset",
    "date": "Edm.Date",
    "time": "Edm.TimeOfDay",
    "timedelta": "Edm.Duration",
    "bytes": "Edm.Binary",
}

_CLASS = re.compile(r"^class (\w+)\((\w+)", re.MULTILINE)
_MEMBER = re.compile(r'^    \w+ = "([^"]*)",$', re.MULTILINE)
_FIELD = re.compile(r'"([\w.-]+)": lambda n : .*n\.get_(\w+?)_values?\((\w*)\)')
_DERIVED = re.compile(r'"#microsoft\.graph\.(\w+)"\.casefold\(\):\n\s+from \.\w+ import (\w+)')
_ANSWER = re.compile(r"async def (?:get|post)\(.*-> Optional\[(\w+)\]")
_BLOCK = re.compile(r"^export interface (\w+)[^{]*\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_NEVER_NULL = re.compile(r"^    \"?([\w.-]+)\"?\?: (?!NullableOption<)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Source:
    """One class of the SDK: its module below the models, its text, and the class it extends."""

    module: str
    text: str
    base: str


class Sdk:
    """The models of an installed msgraph-sdk, by the names that Graph has for them."""

    def __init__(self, generated: Path) -> None:
        self._generated = generated
        models = generated / "models"
        paths = [*models.glob("*.py"), *models.glob("o_data_errors/*.py")]
        self._classes = dict(_classes(models, paths))
        self._names = dict(_names(source.text for source in self._classes.values()))

    def cls(self, name: str) -> str:
        """The class of the type *name*."""
        named = (cls for cls, said in self._names.items() if said == name)
        return next(named, name[0].upper() + name[1:])

    def find(self, name: str) -> Source:
        """What is in the class of the type *name*."""
        return self._classes[self.cls(name)]

    def name(self, cls: str) -> str:
        """What Graph calls the class *cls*."""
        return self._names.get(cls, cls[0].lower() + cls[1:])

    def is_enum(self, cls: str) -> bool:
        """Whether *cls* lists members."""
        return self._classes[cls].base == "str"

    def is_entity(self, cls: str) -> bool:
        """Whether *cls* has a key, itself or through what it extends."""
        return cls == "Entity" or (cls in self._classes and self.is_entity(self._classes[cls].base))

    def base(self, name: str) -> str:
        """The type that *name* extends, or nothing."""
        base = self.find(name).base
        return self.name(base) if base in self._classes else ""

    def answer(self, folder: str) -> tuple[str, bool]:
        """What a request to *folder* is answered with, and whether with many of it."""
        [builder] = (self._generated / folder).glob("*_request_builder.py")
        found = _ANSWER.search(builder.read_text(encoding="utf-8"))
        given = found[1] if found else ""
        many = given.endswith("CollectionResponse")
        return given and self.name(given.removesuffix("CollectionResponse")), many


def _classes(models: Path, paths: Iterable[Path]) -> Iterator[tuple[str, Source]]:
    for path in paths:
        text = path.read_text(encoding="utf-8")
        if found := _CLASS.search(text):
            module = ".".join(path.relative_to(models).with_suffix("").parts)
            yield found[1], Source(module, text, found[2])


def _names(texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    for text in texts:
        for name, cls in _DERIVED.findall(text):
            yield cls, name


def _never_null(declarations: str) -> Mapping[str, frozenset[str]]:
    return {
        name: frozenset(_NEVER_NULL.findall(body)) for name, body in _BLOCK.findall(declarations)
    }


def cut(sdk: Sdk, wanted: Wanted, never_null: Mapping[str, frozenset[str]]) -> str:
    """Write the excerpt."""
    kinds = {one for name in wanted.types for one in _line(sdk, name)}
    enums = sorted({cls for name in kinds for cls in _enums(sdk, name)})
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">',
        "  <edmx:DataServices>",
        f'    <Schema Namespace="{NAMESPACE}" Alias="graph" xmlns="{_EDM}">',
        *(f"      {line}" for cls in enums for line in _enum(sdk, cls)),
        *(f"      {line}" for line in _kinds(sdk, wanted, kinds, never_null)),
        *(f"      {line}" for action in _actions(sdk, wanted) for line in _action(*action)),
        '      <EntityContainer Name="GraphService">',
        *(f"        {_set(sdk, wanted, folder)}" for folder in wanted.sets),
        "      </EntityContainer>",
        "    </Schema>",
        "  </edmx:DataServices>",
        "</edmx:Edmx>",
    ]
    return "\n".join(lines) + "\n"


def _line(sdk: Sdk, name: str) -> Iterator[str]:
    while name:
        yield name
        name = sdk.base(name)


def _enums(sdk: Sdk, name: str) -> Iterator[str]:
    for _, read, argument in _FIELD.findall(sdk.find(name).text):
        if read in {"enum", "collection_of_enum"} and sdk.is_enum(argument):
            yield argument


def _enum(sdk: Sdk, cls: str) -> Iterator[str]:
    name = sdk.name(cls)
    yield f"<EnumType Name={quoteattr(name)}>"
    for member in _MEMBER.findall(sdk.find(name).text):
        yield f"  <Member Name={quoteattr(member)} />"
    yield "</EnumType>"


def _kinds(
    sdk: Sdk, wanted: Wanted, kinds: Iterable[str], never_null: Mapping[str, frozenset[str]]
) -> Iterator[str]:
    for name in sorted(kinds):
        firm = never_null.get(name[0].upper() + name[1:], frozenset())
        yield from _kind(sdk, name, firm, is_open=name in wanted.open)


def _kind(sdk: Sdk, name: str, firm: frozenset[str], *, is_open: bool) -> Iterator[str]:
    source = sdk.find(name)
    base = sdk.base(name)
    element = "EntityType" if sdk.is_entity(sdk.cls(name)) else "ComplexType"
    extends = f" BaseType={quoteattr(f'graph.{base}')}" if base else ""
    extends += ' OpenType="true"' if is_open else ""
    fields = sorted(set(_FIELD.findall(source.text)))
    if not fields:
        yield f"<{element} Name={quoteattr(name)}{extends} />"
        return
    yield f"<{element} Name={quoteattr(name)}{extends}>"
    if name == "entity":
        yield '  <Key><PropertyRef Name="id" /></Key>'
    for field, read, argument in fields:
        kind, is_entity = _type(sdk, read, argument)
        tag = "NavigationProperty" if is_entity else "Property"
        null = ' Nullable="false"' if field in firm and not kind.startswith("Collection") else ""
        yield f'  <{tag} Name={quoteattr(field)} Type="{kind}"{null} />'
    yield f"</{element}>"


def _type(sdk: Sdk, read: str, argument: str) -> tuple[str, bool]:
    of, many = read.removeprefix("collection_of_"), read.startswith("collection_of_")
    if of == "primitive":
        kind, is_entity = _PRIMITIVES[argument.lower()], False
    elif of in _PRIMITIVES:
        kind, is_entity = _PRIMITIVES[of], False
    else:
        kind, is_entity = f"graph.{sdk.name(argument)}", sdk.is_entity(argument)
    return (f"Collection({kind})" if many else kind), is_entity


def _set(sdk: Sdk, wanted: Wanted, folder: str) -> str:
    name, kind, many = wanted.sets[folder], *sdk.answer(folder)
    if many:
        return f'<EntitySet Name="{name}" EntityType="{NAMESPACE}.{kind}" />'
    return f'<Singleton Name="{name}" Type="{NAMESPACE}.{kind}" />'


def _actions(sdk: Sdk, wanted: Wanted) -> Iterator[tuple[str, str, str]]:
    for folder, (name, bound) in wanted.actions.items():
        yield name, bound, sdk.answer(folder)[0]
    for name, kind in wanted.noted.items():
        yield name, kind, kind


def _action(name: str, bound: str, given: str) -> Iterator[str]:
    yield f'<Action Name="{name}" IsBound="true">'
    yield f'  <Parameter Name="bindingParameter" Type="graph.{bound}" />'
    if given:
        yield f'  <ReturnType Type="graph.{given}" />'
    yield "</Action>"


def excerpt(version: str, generated: Path, declarations: str = "") -> str:
    """Cut *version* out of the SDK in *generated* and the *declarations* of the npm package."""
    return cut(Sdk(generated), VERSIONS[version], _never_null(declarations))


def main() -> int:
    """Write the excerpt to standard output."""
    version, generated, *others = sys.argv[1:]
    declarations = "".join(Path(one).read_text(encoding="utf-8") for one in others)
    sys.stdout.write(excerpt(version, Path(generated), declarations))
    return 0


if __name__ == "__main__":
    sys.exit(main())
