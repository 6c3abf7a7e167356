"""Compare what was sent with what Teams made of it, which turns markdown into html.

Both are reduced to what is in either: no markup, no spaces, nothing unseen. Every step is
linear in the length of the text, which a stranger may have had a hand in.
"""

import html
import re
import unicodedata

_LAYERS = 6  # how often an entity may be written as entities

# Written in either, and gone in the other.
_AUTOLINK = re.compile(r"<((?:https?|mailto):[^<>\s]+)>", re.IGNORECASE)
_BLOCK = re.compile(
    r"</?(?:p|div|br|li|ul|ol|pre|h[1-6]|tr|table|blockquote)\b[^<>]*>", re.IGNORECASE
)
_TAG = re.compile(r"<[^<>]*>")
_LINK = re.compile(r"\]\([^)\n]{0,2000}\)")
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[^\n`~]*$", re.MULTILINE)
_RULE = re.compile(r"^[ \t|:-]+$", re.MULTILINE)
_BULLET = re.compile(r"^[ \t]*(?:(?:\d{1,9}[.)]|[-*+])[ \t]+)+", re.MULTILINE)

_UNSEEN = {"Cc", "Cf", "Zs", "Zl", "Zp"}
_MARKUP = frozenset("*_`~#<>|[]()!\\-+=")


def fingerprint(text: str) -> str:
    """Reduce *text*, markdown or html, to what both have; empty if there is nothing in it."""
    plain = _FENCE.sub("", text)
    for _ in range(_LAYERS):
        before = plain
        plain = _TAG.sub("", _BLOCK.sub("\n", _AUTOLINK.sub(r"\1", plain)))
        plain = html.unescape(plain)
        if plain == before:
            break
    plain = _BULLET.sub("", _RULE.sub("", _LINK.sub("", plain)))
    return plain.casefold().translate(_drop(plain))


def _drop(text: str) -> dict[int, None]:
    """List what of *text* is not kept."""
    # Cased forms are letters: none of them is dropped.
    return {ord(c): None for c in set(text) if c in _MARKUP or unicodedata.category(c) in _UNSEEN}
