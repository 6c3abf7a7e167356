"""What Teams made of an answer is known again; what is something else is not."""

import time

import pytest

from entraclaw.bot.fingerprint import fingerprint


@pytest.mark.parametrize(
    ("sent", "made"),
    [
        ("a **b** _c_", "<p>a <strong>b</strong> <em>c</em></p>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("1. a\n2. b", "<ol><li>a</li><li>b</li></ol>"),
        ("1. a\n2. b", "<p>1. a<br>2. b</p>"),
        (
            "see [this](https://x.example/(y))",
            '<p>see <a href="https://x.example/(y)">this</a></p>',
        ),
        ("<https://x.example>", '<a href="https://x.example">https://x.example</a>'),
        ("<b>b</b>", "<p>&lt;b&gt;b&lt;/b&gt;</p>"),
        ("<b>b</b>", "<b>b</b>"),
        ("a < b & c", "<p>a &lt; b &amp; c</p>"),
        ("&lt;b&gt;", "<p>&amp;lt;b&amp;gt;</p>"),
        ("```py\nx = 1\n```", "<pre><code>x = 1</code></pre>"),
        ("a\n\n---\n\nb", "<p>a</p><hr><p>b</p>"),
        ("caf\u00e9\u00a0\u200fx", "<div>caf\u00e9&nbsp;x</div>"),
    ],
)
def test_markdown_and_what_became_of_it_are_the_same(sent: str, made: str) -> None:
    assert fingerprint(sent) == fingerprint(made)


@pytest.mark.parametrize(
    ("sent", "other"),
    [("yes", "no"), ("1 of 2", "2 of 2"), ("done.", "done?"), ("\N{ROCKET}", "\N{EYES}")],
)
def test_other_words_are_not_the_same(sent: str, other: str) -> None:
    assert fingerprint(sent) != fingerprint(other)


@pytest.mark.parametrize("text", ["", " \n", "---", "***", "<br>"])
def test_what_has_no_words_is_empty(text: str) -> None:
    assert fingerprint(text) == ""


@pytest.mark.parametrize(
    "piece", ["<", "](", "\n", "&amp;", "1. ", "- ", "```", "<a ", "| ", "[a](b", "<br", "~"]
)
def test_hostile_text_takes_no_time(piece: str) -> None:
    begun = time.process_time()
    fingerprint(piece * (28_000 // len(piece)))

    assert time.process_time() - begun < 0.5
