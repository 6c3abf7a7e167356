"""Tell whether text in an HTML element would be seen, from the element's own style.

Follows what the style attribute and the old presentational attributes say, inherited as
a browser would. Style sheets are not read: Teams strips them.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

# Red, green, blue; a colour we cannot compute, by its name; or None: transparent.
Colour: TypeAlias = tuple[int, int, int] | str | None

_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)
_SIZE = 16.0  # CSS pixels; what browsers start from
_LEGIBLE = 2.0  # CSS pixels
_NEAR = 24  # of 255: two colours closer than this in every channel look alike
_FAINT = 0.05  # opacity
_FAR = -500.0  # any unit: farther out than a page has margin

_NOT_SHOWN = frozenset(
    {"head", "template", "object", "audio", "video", "canvas", "svg", "math", "datalist"}
)
_NAMED: Mapping[str, Colour] = {
    "transparent": None,
    "black": _BLACK,
    "windowtext": _BLACK,
    "initial": _BLACK,
    **dict.fromkeys(("white", "window", "snow", "ghostwhite", "ivory", "floralwhite"), _WHITE),
    **dict.fromkeys(("azure", "mintcream", "whitesmoke", "seashell"), _WHITE),
}
_SPEAKING = {"style", "color", "bgcolor"}
_VANISHING = {"display": "none", "mso-hide": "all", "content-visibility": "hidden", "zoom": "0"}
_PIXELS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 37.8, "mm": 3.78}

_COMMENT = re.compile(r"/\*.*?(?:\*/|$)", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:([0-9a-f]{1,6})\s?|(.))", re.IGNORECASE | re.DOTALL)
_QUANTITY = re.compile(r"([+-]?(?:[0-9]{1,9}\.?[0-9]{0,9}|\.[0-9]{1,9}))([a-z%]{0,5})")
_HEX = re.compile(r"#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})")
_RGB = re.compile(r"rgba?\(([^()]{1,60})\)")
_TOKEN = re.compile(r"[^\s(]+(?:\([^()]*\))?")
_FONT_SIZE = re.compile(r"(?:^|\s)([0-9.]+[a-z%]*)(?=[\s/])")


@dataclass(frozen=True, slots=True)
class Look:
    """How text looks where it stands.

    Attributes:
        is_gone: Not shown, and nothing inside can bring it back.
        is_unseen: Invisible, unless something inside makes itself visible.
        size: Of the letters, CSS pixels.
        ink: Colour of the letters.
        paper: Colour behind them.
    """

    is_gone: bool = False
    is_unseen: bool = False
    size: float = _SIZE
    ink: Colour = _BLACK
    paper: Colour = _WHITE

    @property
    def is_hidden(self) -> bool:
        """Whether a person would not read text that looks like this."""
        return (
            self.is_gone
            or self.is_unseen
            or self.size < _LEGIBLE
            or self.ink is None
            or _looks_alike(self.ink, self.paper)
        )


def look_of(parent: Look, name: str, attributes: Mapping[str, str]) -> Look:
    """Tell how text looks in an element *name* with *attributes* inside *parent*."""
    if parent.is_gone or name in _NOT_SHOWN or "hidden" in attributes:
        return replace(parent, is_gone=True)
    if not attributes.keys() & _SPEAKING:
        return parent
    found = parent
    for key, value in _declarations(attributes):
        found = _apply(parent, found, key, value)
    return replace(found, is_gone=True) if _is_folded_away(attributes) else found


def _declarations(attributes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key, attribute in (("color", "color"), ("background", "bgcolor")):
        if attribute in attributes:
            yield key, attributes[attribute].strip().lower()
    style = _ESCAPE.sub(_unescape, _COMMENT.sub("", attributes.get("style", "")))
    for declaration in style.split(";"):
        key, _, value = declaration.partition(":")
        yield key.strip().lower(), value.strip().lower().removesuffix("!important").strip()


def _unescape(found: re.Match[str]) -> str:
    if not found[1]:
        return found[2]
    number = int(found[1], 16)
    return chr(number) if 0 < number <= sys.maxunicode else "\ufffd"


def _apply(parent: Look, look: Look, key: str, value: str) -> Look:
    match key:
        case "font-size":
            return replace(look, size=_size(parent.size, value))
        case "font":
            size = _FONT_SIZE.search(value)
            return replace(look, size=_size(parent.size, size[1])) if size else look
        case "visibility":
            return replace(look, is_unseen=value in {"hidden", "collapse"})
        case "color" | "-webkit-text-fill-color":
            return replace(look, ink=_colour(value, parent.ink))
        case "background" | "background-color":
            return replace(look, paper=_paper(value, parent.paper))
        case _:
            return replace(look, is_gone=True) if _removes(key, value) else look


def _removes(key: str, value: str) -> bool:
    """Tell whether a declaration alone takes its element out of sight."""
    if value == _VANISHING.get(key):
        return True
    match key:
        case "opacity":
            return _number(value, 1.0) <= _FAINT
        case "text-indent" | "left" | "top" | "right" | "bottom" | "margin-left" | "margin-top":
            return _number(value, 0.0) <= _FAR
        case "transform":
            return "scale(0" in value
        case "clip" | "clip-path":
            return value not in {"auto", "none", "inherit", "initial"}
        case _:
            return False


def _is_folded_away(attributes: Mapping[str, str]) -> bool:
    """Tell whether a box has no room for its text and does not let it flow over."""
    said = dict(_declarations(attributes))
    sides = ("height", "width", "max-height", "max-width")
    return any(_number(said.get(side, ""), 1.0) == 0 for side in sides) and any(
        said.get(flow, "") in {"hidden", "clip"}
        for flow in ("overflow", "overflow-x", "overflow-y")
    )


def _number(value: str, otherwise: float) -> float:
    found = _QUANTITY.match(value)
    return float(found[1]) if found else otherwise


def _size(parent: float, value: str) -> float:
    if "(" in value:
        return 0.0  # what is computed in a style could be anything; nobody writes it by hand
    found = _QUANTITY.match(value)
    if found is None:
        return parent if value in {"inherit", "larger", "smaller", "unset", ""} else _SIZE
    number, unit = float(found[1]), found[2]
    if unit in {"em", "%", "ex", "ch"}:
        return parent * number / (100.0 if unit == "%" else 1.0)
    return number * _PIXELS.get(unit, _SIZE)


def _colour(value: str, inherited: Colour) -> Colour:
    if value in {"inherit", "unset", "currentcolor", ""}:
        return inherited
    if value in _NAMED:
        return _NAMED[value]
    if found := _HEX.fullmatch(value):
        return _from_hex(found[1])
    if found := _RGB.fullmatch(value):
        return _from_channels(re.split(r"[\s,/]+", found[1].strip()))
    return value


def _paper(value: str, inherited: Colour) -> Colour:
    for token in _TOKEN.findall(value):
        colour = _colour(token, inherited)
        if not isinstance(colour, str):
            return inherited if colour is None else colour
    return inherited if value in {"none", "initial", ""} else value


def _from_hex(digits: str) -> Colour:
    if len(digits) <= 4:  # noqa: PLR2004 - one digit a channel
        digits = "".join(digit * 2 for digit in digits)
    red, green, blue, *alpha = bytes.fromhex(digits)
    return None if alpha and alpha[0] <= 255 * _FAINT else (red, green, blue)


def _from_channels(channels: list[str]) -> Colour:
    shares = [_channel(one) for one in channels]
    match shares:
        case [red, green, blue]:
            return red, green, blue
        case [red, green, blue, _]:
            alpha = _number(channels[3], 1.0) / (100.0 if channels[3].endswith("%") else 1.0)
            return None if alpha <= _FAINT else (red, green, blue)
        case _:
            return ",".join(channels)


def _channel(value: str) -> int:
    number = _number(value, 0.0)
    return round(min(255.0, number * 2.55 if value.endswith("%") else number))


def _looks_alike(one: Colour, other: Colour) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return all(abs(a - b) <= _NEAR for a, b in zip(one, other, strict=True))
    return one == other
