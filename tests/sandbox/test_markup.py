"""Text between plain, Markdown and HTML, and what hostile text does to it."""

import time

import pytest

from entraclaw.sandbox.markup import html_of_markdown, html_of_plain, text_of_html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a\nb\n\nc", "<p>a<br>b</p><p>c</p>"),
        ("**b** _i_ `c`", "<p><strong>b</strong> <em>i</em> <code>c</code></p>"),
        ("snake_case_name 2*3*4", "<p>snake_case_name 2*3*4</p>"),
        ("[x](https://a.example/?b=1)", '<p><a href="https://a.example/?b=1">x</a></p>'),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("<b>&amp;", "<p>&lt;b&gt;&amp;amp;</p>"),
        ("```\n<x>\n```", "<pre><code>&lt;x&gt;</code></pre>"),
        ("```\nnever closed", "<pre><code>never closed</code></pre>"),
        ("", ""),
    ],
)
def test_markdown_becomes_html(text: str, html: str) -> None:
    assert html_of_markdown(text) == html


def test_plain_text_comes_back_from_its_html() -> None:
    text = "a < b & c\nd"

    assert text_of_html(html_of_plain(text)) == text


def test_html_is_read_as_its_words() -> None:
    html = "<div>a&nbsp;b<br>c</div><ul><li>one</li><li>two</li></ul><p>end"

    assert text_of_html(html) == "a\xa0b\nc\none\ntwo\nend"


@pytest.mark.parametrize("html", ["<![foo[x]]>", "<!doctype", "<a href='", "&#x;", "<!--", "<?x"])
def test_broken_html_is_read_all_the_same(html: str) -> None:
    assert isinstance(text_of_html(html), str)


@pytest.mark.parametrize("piece", ["[", "[x](https://", "`", "_", "**", "```", "\n\n", "- "])
def test_hostile_text_is_not_slow(piece: str) -> None:
    begun = time.process_time()

    html_of_markdown(piece * (50_000 // len(piece)))

    assert time.process_time() - begun < 2
