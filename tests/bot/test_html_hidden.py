"""What a person cannot see in a message does not reach the agent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entraclaw.bot.html_text import visible

SECRET = "obey"
HIDING = [
    "display:none",
    "DISPLAY : None !important",
    "display:/* x */none",
    r"d\69splay:none",
    r"\64 isplay:none",
    r"d\isplay:none",
    "color:red;display:none",
    "visibility:hidden",
    "visibility:collapse",
    "font-size:0",
    "font-size:0px",
    "font-size: .5px",
    "font-size:1pt",
    "font-size:0.05em",
    "font-size:2%",
    "font-size:0.01rem",
    "font-size:calc(1px - 1px)",
    "font:0/0 a",
    "font: 0px serif",
    "opacity:0",
    "opacity:.01",
    "mso-hide:all",
    "content-visibility:hidden",
    "zoom:0",
    "transform:scale(0)",
    "clip:rect(0 0 0 0)",
    "clip-path:inset(100%)",
    "text-indent:-9999px",
    "position:absolute;left:-10000px",
    "max-height:0;overflow:hidden",
    "width:0px;height:0px;overflow-x:clip",
    "color:white",
    "color:#fff",
    "color:#FFFFFF",
    "color:#fefefe",
    "color:#ffff",
    "color:snow",
    "color:rgb(255,255,255)",
    "color:rgb(100% 100% 100%)",
    "color:transparent",
    "color:#00000000",
    "color:#0000",
    "color:rgba(0,0,0,0)",
    "color:rgb(0 0 0 / 0%)",
    "-webkit-text-fill-color:transparent",
    "background:#000",
    "background-color:black",
    "color:red;background:red",
    "color:#123456;background:url(x) #123456 no-repeat",
    "color:hsl(1,2%,3%);background-color:hsl(1,2%,3%)",
]
SHOWING = [
    "",
    "color",
    "display:block",
    "visibility:visible",
    "font-size:14px",
    "font-size:small",
    "font-size:inherit",
    "font-size:1.2em",
    "font:bold 12px/1.5 Segoe UI",
    "font:caption",
    "opacity:0.9",
    "opacity:x",
    "transform:none",
    "clip:auto",
    "left:-5px",
    "height:0",
    "overflow:hidden",
    "width:100%;overflow:hidden",
    "color:red",
    "color:inherit",
    "color:windowtext",
    "color:#333",
    "color:#12345",
    "color:rgb(1,2)",
    "color:rgba(255,0,0,0.5)",
    "color:white;background:#6264a7",
    "color:white;background-color:rgb(10,10,10)",
    "color:white;background:url(dark.png)",
    "background:transparent",
    "background:none",
    "background:",
    r"color:\110000",
    r"color:\0",
]


def unnamed(_number: str, shown: str) -> str:
    return shown


def read(written: str) -> str:
    return visible(written, unnamed).text


@pytest.mark.parametrize("style", HIDING)
def test_hiding_style_takes_the_words_out(style: str) -> None:
    assert read(f'a<span style="{style}">{SECRET}</span>b') == "ab"


@pytest.mark.parametrize("style", SHOWING)
def test_other_style_leaves_the_words_in(style: str) -> None:
    assert read(f'a<span style="{style}">seen</span>b') == "aseenb"


@pytest.mark.parametrize(
    "written",
    [
        f"<!-- {SECRET} -->",
        f"<script>{SECRET}</script>",
        f"<style>{SECRET}</style>",
        f"<title>{SECRET}</title>",
        f"<noscript>{SECRET}</noscript>",
        f"<head>{SECRET}</head>",
        f"<template><p>{SECRET}</p></template>",
        f"<p hidden>{SECRET}</p>",
        f'<p hidden="until-found">{SECRET}</p>',
        f'<p title="{SECRET}" alt="{SECRET}" data-x="{SECRET}"></p>',
        f"<input value='{SECRET}'>",
        f"<font color=white>{SECRET}</font>",
        f"<td bgcolor=#000>{SECRET}</td>",
        f"<div style='display:none'><p style='display:block'>{SECRET}</p></div>",
        f"<div style='font-size:0'><p style='font-size:2em'>{SECRET}</p></div>",
        f"<div style='color:#fff'><b style='color:inherit'>{SECRET}</b></div>",
        f"<div style='color:white'><a href='https://x.example'>{SECRET}</a></div>",
        f"<span style='display:none'/>{SECRET}",
        f"<ul style='display:none'><li>{SECRET}</li></ul>",
        f"<blockquote style='opacity:0'>{SECRET}</blockquote>",
        f"<div hidden>{SECRET}<br><hr><img alt='{SECRET}'><emoji alt='🙂'></emoji></div>",
        f"<!-->{SECRET}-->",
        f"<svg><text>{SECRET}</text></svg>",
    ],
)
def test_nothing_of_what_is_out_of_sight_is_read(written: str) -> None:
    assert read(f"a{written}") == "a"


@pytest.mark.parametrize(
    "written",
    [
        "<div style='font-size:0'><p style='font-size:12px'>seen</p></div>",
        "<div style='visibility:hidden'><p style='visibility:visible'>seen</p></div>",
        "<div style='color:white'><p style='color:black'>seen</p></div>",
        "<tr style='background:#000'><td style='color:#fff'>seen</td></tr>",
        "<td bgcolor='#000'><font color='white'>seen</font></td>",
        "<div hidden>x</div>seen",
        "<div hidden><p>x</div>seen",
    ],
)
def test_what_comes_into_sight_again_is_read(written: str) -> None:
    """Mail hides its frame and shows what stands in it."""
    assert read(written) == "seen"


_hiding = st.sampled_from(HIDING).map(
    lambda style: (f'<span style="{style}">', "</span>")
) | st.sampled_from(
    [("<p hidden>", "</p>"), ("<!--", "-->"), ("<script>", "</script>"), ("<head>", "</head>")]
)
_showing = st.sampled_from([("", ""), ("<b>", "</b>"), ("<p>", "</p>"), ("<li>", "</li>")])


@given(_showing, _hiding, _showing, st.sampled_from(["", "<br>", "x"]))
def test_hidden_words_stay_hidden_wherever_they_stand(
    outer: tuple[str, str], hiding: tuple[str, str], inner: tuple[str, str], between: str
) -> None:
    written = (
        f"{outer[0]}seen{hiding[0]}{between}{inner[0]}{SECRET}{inner[1]}{hiding[1]}{outer[1]}last"
    )
    found = read(written)

    assert SECRET not in found
    assert found.startswith(("seen", "- seen"))
    assert found.endswith("last")
