"""The command line: groups, help, errors, exit codes.

Exit codes: 0 all is well, 1 the thing asked about is not, 2 wrong usage, 3 the world
refused. Errors are two lines on stderr, never a traceback. A command's module is loaded
when it runs, so that help costs no more than click.
"""

import importlib
import os
import sys
from typing import cast

import click

from entraclaw.bot import home
from entraclaw.errors import EntraclawError

_SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Start": {
        "sandbox": ("sandbox", "Run the whole exchange against a built-in emulated tenant"),
        "serve": ("serve", "Run the daemon of a profile"),
        "mcp": ("mcp", "Connect an LLM host to the daemon over stdio"),
        "connect": ("connect", "Have a host start entraclaw with each of its sessions"),
        "service": ("service", "Have the daemon started at login, and kept running"),
        "send": ("send", "Say something in a conversation, as the agent"),
        "catch-up": ("catch_up", "Read in Teams what was missed"),
    },
    "Set up": {
        "setup": ("setup", "Make an agent in your tenant, and see a first message arrive"),
        "teardown": ("teardown", "Undo exactly what setup made"),
        "sign-in": ("sign_in", "Sign in as the person that this profile acts for"),
        "sign-out": ("sign_out", "Forget the person that this profile acts for"),
    },
    "Look": {
        "status": ("status", "Show what the daemon is doing"),
        "doctor": ("doctor", "Look at what can be wrong, and say what puts it right"),
        "key": ("key", "See where the agent's key is kept, make it, change it"),
        "inbox": ("inbox", "Look at what was sent to the agent, and what became of it"),
        "tail": ("tail", "Follow what happens in the daemon"),
    },
    "Rule": {
        "access": ("access", "Say who may speak to the agent, besides its sponsors"),
        "sponsors": ("sponsors", "See, add and remove who may tell the agent what to do"),
        "permissions": ("permissions", "Compare what the agent is granted with what it needs"),
        "licences": ("licences", "See the tenant's licences, give the agent one"),
        "approvals": ("approvals", "See what hosts ask before they use a tool, and answer"),
    },
}


class _Sections(click.Group):
    """A group that knows its commands' names and help without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return [name for section in _SECTIONS.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        for section in _SECTIONS.values():
            if cmd_name in section:
                module = importlib.import_module(f"entraclaw.bot.commands.{section[cmd_name][0]}")
                return cast("click.Command", module.command)
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        for title, section in _SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, text) for name, (_, text) in section.items()])


@click.group(
    cls=_Sections,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Give your local LLM agent a Microsoft 365 identity of its own.\n\n"
    "Alone, it shows how things are, and the one next step.",
)
@click.option(
    "--profile",
    metavar="NAME",
    default=home.PROFILE,
    envvar="ENTRACLAW_PROFILE",
    show_default=True,
    help="Which agent: each profile has its own folder and daemon.",
)
@click.version_option(package_name="entraclaw")
@click.pass_context
def _entraclaw(context: click.Context, profile: str) -> None:
    context.obj = profile
    if context.invoked_subcommand is None:
        importlib.import_module("entraclaw.bot.commands.bare").run(profile)


def run() -> int:
    """Run the command in `sys.argv`; the return value is the exit code."""
    try:
        return int(_entraclaw.main(standalone_mode=False, prog_name="entraclaw") or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        sys.stderr.write(f"{error.format_message()}\n")
        return 2
    except click.ClickException as error:
        return _complain(error.format_message(), "entraclaw --help", 2)
    except click.Abort:
        return 130
    except EntraclawError as error:
        return _complain(str(error), error.hint, error.exit_code)
    except BrokenPipeError:
        # Whoever read our output has gone; the interpreter must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _complain(message: str, hint: str, code: int) -> int:
    sys.stderr.write(f"entraclaw: error: {_lower(message)}\n")
    if hint:
        sys.stderr.write(f"entraclaw: hint: {hint}\n")
    return code


def _lower(message: str) -> str:
    """Begin in lower case and end without a full stop, as every error here does."""
    return (message[:1].lower() + message[1:]).rstrip(".")
