"""Cut HTML into text, start tags and end tags, as a browser would, in linear time.

The standard library's parser takes seconds for forty kilobytes of ``<a <a <a`` and raises
on some declarations (CVE-2025-6069 is of that family), and what arrives here was written
by anybody. Where a browser and this module could differ, this module drops more.

https://html.spec.whatwg.org/multipage/parsing.html#tokenization
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Start:
    """A start tag: its name and attributes, names in lower case."""

    name: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class End:
    """An end tag, its name in lower case."""

    name: str


HtmlToken: TypeAlias = str | Start | End

# What stands in these is not shown, and tags in them are no tags.
_RAW = re.compile(
    "script|style|title|textarea|xmp|iframe|noembed|noframes|noscript|plaintext", re.ASCII
)
_NAME = re.compile(r"[^\s/>]+")
_ATTRIBUTE = re.compile(
    r"""[\s/]*+(?:
        (?P<name>[^\s/>=][^\s/>=]*+)
        (?:\s*+=\s*+(?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)'|(?P<bare>[^\s>"'][^\s>]*+)|(?P<open>["'])|))?
        | =
    )?""",
    re.VERBOSE,
)
# Python refuses to read numbers of thousands of digits, and no character has eight.
_HUGE_REFERENCE = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{7,});?")


def tokens(html: str) -> Iterator[HtmlToken]:
    """Yield text (references resolved), `Start` and `End` of *html*, in their order."""
    at = 0
    while at < len(html):
        start = html.find("<", at)
        start = len(html) if start < 0 else start
        if start > at:
            yield _resolve(html[at:start])
        at = start
        if at < len(html):
            token, at = _markup(html, at)
            if token is not None:
                yield token
            if isinstance(token, Start) and _RAW.fullmatch(token.name):
                at = _after_raw(html, at, token.name)


def _markup(html: str, at: int) -> tuple[HtmlToken | None, int]:
    """Read what begins with the ``<`` at *at*; returns it and where it ends."""
    if html.startswith("<!--", at):
        return None, _after(html, "-->", at + 4)
    following = html[at + 1 : at + 2]
    if following in {"!", "?"}:
        return None, _after(html, ">", at + 2)
    if following == "/":
        if not _is_letter(html[at + 2 : at + 3]):
            return None, _after(html, ">", at + 2)
        end, at = _tag(html, at + 2)
        return (End(end.name) if end else None), at
    if not _is_letter(following):
        return "<", at + 1
    return _tag(html, at + 1)


def _tag(html: str, at: int) -> tuple[Start | None, int]:
    """Read the tag whose name begins at *at*; None if it never ends, as in a browser."""
    name = _NAME.match(html, at)
    assert name is not None  # noqa: S101 - a letter stands there
    attributes: dict[str, str] = {}
    at = name.end()
    while at < len(html) and html[at] != ">":
        found = _ATTRIBUTE.match(html, at)
        assert found is not None  # noqa: S101 - it matches nothing at all, too
        if found["open"]:
            break
        if found["name"]:
            value = found["double"] or found["single"] or found["bare"] or ""
            attributes.setdefault(found["name"].lower(), _resolve(value))
        at = found.end()
    else:
        if at < len(html):
            return Start(name[0].lower(), attributes), at + 1
    return None, len(html)


def _after_raw(html: str, at: int, name: str) -> int:
    end = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(html, at)
    return end.start() if end else len(html)


def _after(html: str, mark: str, at: int) -> int:
    end = html.find(mark, at)
    return len(html) if end < 0 else end + len(mark)


def _is_letter(character: str) -> bool:
    return character.isascii() and character.isalpha()


def _resolve(words: str) -> str:
    return unescape(_HUGE_REFERENCE.sub("\ufffd", words))
