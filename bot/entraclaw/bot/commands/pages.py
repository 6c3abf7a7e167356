"""Lead a person to a page: in a browser of this machine, or by a code typed in any other."""

import os
import sys
import webbrowser
from collections.abc import Callable, Mapping

import click

from entraclaw.bot.plain import plain_text

device_code_option = click.option(
    "--device-code", is_flag=True, help="Type a code in a browser somewhere else."
)


def page_of(command: str) -> Callable[[str], None]:
    """Make what opens a page for *command*, as it is typed."""

    def show(address: str) -> None:
        is_open = _has_browser(sys.platform, os.environ) and webbrowser.open(address)
        click.echo(
            "a page opens in your browser; if not, open this:"
            if is_open
            else "no browser opens from here: use one on this machine, or stop this and use"
            f" `{command} --device-code`",
            err=True,
        )
        click.echo(address, err=True)

    return show


def show_code(address: str, code: str) -> None:
    """Tell where to type which code."""
    click.echo(f"open {plain_text(address)} in any browser, and type {plain_text(code)}", err=True)


def _has_browser(platform: str, environ: Mapping[str, str]) -> bool:
    """Tell whether a page could open: one in a terminal cannot show it."""
    if platform in {"win32", "darwin"}:
        return True
    return any(environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"))
