"""Take out of somebody's words what a person would not see."""

import re
import unicodedata

NAME_LIMIT = 64
_UNSEEN = {"Cc", "Cf", "Cs"}
_SHORT = {"\n": "\\n", "\t": "\\t"}

# Blank though their category says otherwise: joiners, Hangul, Khmer and Mongolian fillers,
# the empty Braille cell, and variation selectors, which can carry any bytes. The selectors
# 15 and 16 stay: they choose between a sign and its emoji.
# https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
_FILLER = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164"
    "\ufe00-\ufe0d\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)


def plain_name(name: str, limit: int = NAME_LIMIT) -> str:
    """Make a display name safe to show: no control or invisible characters, *limit* at most."""
    kept = "".join(c for c in name if unicodedata.category(c)[0] != "C" and not _FILLER.match(c))
    return " ".join(kept.split())[:limit].rstrip()


def plain_text(words: str) -> str:
    """Take out of *words* what a person would not see: control, zero-width, bidi and filler.

    Line feeds and tabs stay; so do unassigned characters, which may be newer than Python.
    """
    unified = words.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in unified if c in "\n\t" or not _is_unseen(c))


def marked(words: str) -> str:
    r"""Write what a person would not see in *words*, or not see as what it is, as ``\u200b``.

    For what somebody is to judge: nothing is taken out, and nothing acts on the screen.
    Spaces other than the usual one are written so, too; a line feed as ``\n``.
    """
    return "".join(_mark(c) if _deceives(c) else c for c in words)


def _deceives(character: str) -> bool:
    category = unicodedata.category(character)
    return character != " " and (category[0] in "CZ" or bool(_FILLER.match(character)))


def _mark(character: str) -> str:
    return _SHORT.get(character) or _escape(ord(character))


def _escape(point: int) -> str:
    return f"\\u{point:04x}" if point < 1 << 16 else f"\\U{point:08x}"


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN or bool(_FILLER.match(character))
