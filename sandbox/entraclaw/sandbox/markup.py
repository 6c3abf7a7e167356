"""Text between the three ways in which Teams writes it: plain, Markdown, HTML.

A bot's Markdown becomes HTML on its way into a chat, and comes back as that.
Covers what chats use; what it does not know stays as it was typed.

Formats: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages
"""

import re
from html import escape
from html.parser import HTMLParser

_FENCE = "```"
# What can begin anywhere is bounded, so that no text is slow to read.
_BULLET = re.compile(r"\s{0,3}[-*] (.*)")
_INLINE = [
    (re.compile(r"`([^`\n]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*([^*\n]+)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"(?<!\w)_([^_\n]+)_(?!\w)"), r"<em>\1</em>"),
    (re.compile(r"\[([^\]\n]{1,300})\]\((https?://[^)\s]{1,2000})\)"), r'<a href="\2">\1</a>'),
]
_BLOCKS = frozenset({"p", "div", "br", "li", "pre", "blockquote"})


def html_of_plain(text: str) -> str:
    """Write plain text as HTML."""
    return f"<p>{escape(text, quote=False).replace(chr(10), '<br>')}</p>"


def html_of_markdown(text: str) -> str:
    """Write Markdown as HTML; HTML inside it is text."""
    parts = text.split(_FENCE)
    # Every other part stands between fences, unless the last one never closes.
    made = [_fenced(part) if i % 2 else _blocks(part) for i, part in enumerate(parts)]
    return "".join(made)


def text_of_html(html: str) -> str:
    """Read the words of HTML, one line per block; what is no HTML is all words."""
    reader = _Words()
    try:
        reader.feed(html)
        reader.close()
    except AssertionError:
        # The stock parser gives up on some marked sections in this way.
        return html
    return "".join(reader.words).strip()


class _Words(HTMLParser):
    """Collects text, and a line's end after each block."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag == "br":
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.words.append("\n")


def _fenced(part: str) -> str:
    _language, _, code = part.partition("\n")
    return f"<pre><code>{escape(code.strip(chr(10)), quote=False)}</code></pre>"


def _blocks(part: str) -> str:
    return "".join(_block(block) for block in re.split(r"\n[ \t]*\n", part) if block.strip())


def _block(block: str) -> str:
    lines = block.strip("\n").split("\n")
    items = [_BULLET.fullmatch(line) for line in lines]
    if all(items):
        return f"<ul>{''.join(f'<li>{_inline(i[1])}</li>' for i in items if i)}</ul>"
    return f"<p>{'<br>'.join(_inline(line) for line in lines)}</p>"


def _inline(line: str) -> str:
    made = escape(line, quote=False)
    for pattern, shape in _INLINE:
        made = pattern.sub(shape, made)
    return made
