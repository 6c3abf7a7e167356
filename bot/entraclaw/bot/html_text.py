"""Turn the HTML of a message into the text a person sees, and what Teams quoted in it.

Only what would be visible is kept: an instruction that nobody in the conversation can
read must not reach the agent. Mentions, links, lists, tables, code and quotations keep
their meaning in plain text. Teams' own quoted reply is taken out and told apart.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from entraclaw.bot.html_style import Look, look_of
from entraclaw.bot.html_tokens import End, Start, tokens

_MENTION = "http://schema.skype.com/mention"
_REPLY = "http://schema.skype.com/reply"
_EMOJI = "http://schema.skype.com/emoji"
_EMOJI_LIMIT = 16  # characters; families of emoji are long
_LINK_LIMIT = 2048

_VOID = re.compile("area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr", re.ASCII)
_BLOCK = re.compile(
    "address|article|aside|blockquote|body|center|codeblock|d[dlt]|div|fieldset|figure|footer|form"
    "|h[1-6]|header|html|li|main|nav|ol|p|pre|section|t(?:able|body|foot|head|r)|ul",
    re.ASCII,
)
_CELLS = frozenset({"td", "th"})
_SPACE = re.compile(r"[ \t\n\r\f\xa0]+")
_LINK = re.compile(r"(?:https?://|mailto:)[!-~]+", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n{3,}")

# Given the number a mention carries and the name it shows, tells how to write it.
NameMention = Callable[[str, str], str]


@dataclass(slots=True)
class HtmlQuote:
    """A quoted reply as Teams writes it into HTML; what it does not tell is empty.

    Attributes:
        message: Id of the quoted message.
        author: Id of its author, such as ``8:orgid:…``.
        name: Name of its author.
        text: Its beginning, as Teams cut it.
    """

    message: str = ""
    author: str = ""
    name: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Visible:
    """What a person sees of a message: its text, quoted replies, addresses of its pictures."""

    text: str
    quotes: tuple[HtmlQuote, ...]
    images: tuple[str, ...]


class _Role(Enum):
    PLAIN = auto()
    MENTION = auto()
    LINK = auto()
    CITED = auto()
    QUOTE = auto()
    AUTHOR = auto()
    PREVIEW = auto()


@dataclass(frozen=True, slots=True)
class _Frame:
    """An open element: how its text looks, what it is for us, and where its text begins."""

    name: str
    look: Look
    role: _Role
    mark: int
    is_verbatim: bool = False
    detail: str = ""


@dataclass(slots=True)
class _Page:
    """The page while it is read."""

    name_mention: NameMention
    pieces: list[str] = field(default_factory=list[str])
    frames: list[_Frame] = field(default_factory=list[_Frame])
    open_names: Counter[str] = field(default_factory=Counter[str])
    open_roles: Counter[_Role] = field(default_factory=Counter[_Role])
    quotes: list[HtmlQuote] = field(default_factory=list[HtmlQuote])
    current: HtmlQuote = field(default_factory=HtmlQuote)  # the quoted reply that is open
    images: list[str] = field(default_factory=list[str])


_OUTSIDE = _Frame("", Look(), _Role.PLAIN, 0)

# How deep a role may stand in itself: what is rewritten at every level costs its square.
_DEPTH = {_Role.CITED: 3}


def visible(html: str, name_mention: NameMention) -> Visible:
    """Read what a person sees of *html*."""
    page = _Page(name_mention)
    for token in tokens(html):
        match token:
            case Start():
                _start(page, token)
            case End():
                _end(page, token.name)
            case words:
                _write(page, words)
    while page.frames:
        _leave(page)
    return Visible(_finish(page.pieces), tuple(page.quotes), tuple(page.images))


def _start(page: _Page, tag: Start) -> None:
    inside = page.frames[-1] if page.frames else _OUTSIDE
    look = look_of(inside.look, tag.name, tag.attributes)
    if _VOID.fullmatch(tag.name):
        if not look.is_hidden:
            _place(page, tag)
        return
    if not look.is_hidden:
        _separate(page, tag)
    role, detail = (_Role.PLAIN, "") if look.is_hidden else _role(page, tag)
    if role is not _Role.PLAIN and page.open_roles[role] >= _DEPTH.get(role, 1):
        role = _Role.PLAIN
    if role is _Role.QUOTE:
        page.current = HtmlQuote(message=detail)
    elif role is _Role.AUTHOR:
        page.current.author = detail
    verbatim = inside.is_verbatim or tag.name in {"pre", "codeblock"}
    page.frames.append(_Frame(tag.name, look, role, len(page.pieces), verbatim, detail))
    page.open_names[tag.name] += 1
    page.open_roles[role] += 1


def _end(page: _Page, name: str) -> None:
    if not page.open_names[name]:
        return  # closes nothing that is open
    while _leave(page) != name:
        pass


def _leave(page: _Page) -> str:
    """Close the innermost element, and rewrite its text if it has a role."""
    frame = page.frames.pop()
    page.open_names[frame.name] -= 1
    page.open_roles[frame.role] -= 1
    if frame.role is not _Role.PLAIN:
        inner = "".join(page.pieces[frame.mark :])
        del page.pieces[frame.mark :]
        rewritten = _close(page, frame, inner)
        if rewritten:
            page.pieces.append(rewritten)
    if not frame.look.is_hidden and _BLOCK.fullmatch(frame.name):
        _break(page)
    return frame.name


def _close(page: _Page, frame: _Frame, inner: str) -> str:
    """Rewrite *inner*, the text of an element with a role."""
    match frame.role:
        case _Role.MENTION:
            return page.name_mention(frame.detail, inner) if inner else ""
        case _Role.LINK:
            shown = inner.strip()
            if shown and frame.detail.rstrip("/") not in shown:
                return f"{inner.rstrip()} ({frame.detail})"
        case _Role.CITED:
            lines = _finish([inner]).split("\n")
            return "\n".join(f"> {line}" for line in lines) if any(lines) else ""
        case _Role.QUOTE:
            _end_quote(page, inner)
            return ""
        case _Role.AUTHOR:
            page.current.name = inner.strip()
        case _:
            page.current.text = _finish([inner])
    return inner


def _end_quote(page: _Page, inner: str) -> None:
    quote, page.current = page.current, HtmlQuote()
    quote.text = quote.text or _finish([inner]).removeprefix(quote.name).strip()
    page.quotes.append(quote)


def _role(page: _Page, tag: Start) -> tuple[_Role, str]:
    """Tell what an element is for us, and the detail of it that we need when it closes."""
    attributes = tag.attributes
    number = attributes.get("itemid", "")
    schema = attributes.get("itemtype", "").lower()
    if tag.name == "at" or schema == _MENTION:
        return _Role.MENTION, number or attributes.get("id", "")
    if tag.name == "blockquote":
        return (_Role.QUOTE, number) if schema == _REPLY else (_Role.CITED, "")
    if tag.name == "a":
        target = attributes.get("href", "").strip()
        is_link = len(target) <= _LINK_LIMIT and _LINK.fullmatch(target)
        return (_Role.LINK, target) if is_link else (_Role.PLAIN, "")
    if page.open_roles[_Role.QUOTE]:
        role = {"mri": _Role.AUTHOR, "preview": _Role.PREVIEW, "copy": _Role.PREVIEW}
        return role.get(attributes.get("itemprop", ""), _Role.PLAIN), number
    return _Role.PLAIN, ""


def _place(page: _Page, tag: Start) -> None:
    """Write an element that has no inside."""
    match tag.name:
        case "br":
            page.pieces.append("\n")
        case "hr":
            _break(page)
        case "img":
            page.images.append(tag.attributes.get("src", ""))
            if tag.attributes.get("itemtype", "").lower() == _EMOJI:
                _write_emoji(page, tag)
        case _:
            pass


def _separate(page: _Page, tag: Start) -> None:
    """Write what stands before the inside of an element."""
    name = tag.name
    if _BLOCK.fullmatch(name):
        _break(page)
    if name == "emoji":
        _write_emoji(page, tag)
    elif name == "li":
        page.pieces.append("- ")
    elif name in _CELLS and not _is_at_line_start(page):
        page.pieces.append(" | ")


def _write_emoji(page: _Page, tag: Start) -> None:
    # The picture shows the sign its alternative text names; words there nobody sees.
    sign = tag.attributes.get("alt", "")
    if sign and len(sign) <= _EMOJI_LIMIT and not any(c.isalnum() for c in sign):
        page.pieces.append(sign)


def _write(page: _Page, words: str) -> None:
    inside = page.frames[-1] if page.frames else _OUTSIDE
    if inside.look.is_hidden:
        return
    if not inside.is_verbatim:
        words = _SPACE.sub(" ", words)
        if _is_at_line_start(page):
            words = words.lstrip(" ")
    if words:
        page.pieces.append(words)


def _break(page: _Page) -> None:
    if not _is_at_line_start(page):
        page.pieces.append("\n")


def _is_at_line_start(page: _Page) -> bool:
    return not page.pieces or page.pieces[-1].endswith("\n")


def _finish(pieces: list[str]) -> str:
    lines = (line.rstrip() for line in "".join(pieces).split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")
