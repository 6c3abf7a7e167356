"""What each service manager is given: kept as it is, and read back by others' parsers."""

import plistlib
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entraclaw.bot.services import agent, judging, tag, task, unit
from entraclaw.bot.services.judging import Trouble
from entraclaw.bot.services.program import Program

GOLDEN = Path(__file__).parent / "golden"
ADA = Program("/opt/two words/bin/python", "/srv/100% of $HOME & <more>", "ada-é")
USER = r"HOME\Ada & Co"
TASK = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def windows(program: Program) -> str:
    return task.render(program, USER)


RENDERS: dict[str, Callable[[Program], str]] = {
    "systemd.service": unit.render,
    "launchd.plist": agent.render,
    "task.xml": windows,
}

each = pytest.mark.parametrize("render", RENDERS.values(), ids=list(RENDERS))
paths = st.text(
    st.characters(exclude_categories=["C", "Zl", "Zp", "Zs"]) | st.sampled_from(" \"\\'%$&<>-{}"),
    min_size=1,
).map("/".__add__)
programs = st.builds(
    Program, python=paths, home=paths, profile=st.sampled_from(["default", "ada-é"])
)


@pytest.mark.parametrize("name", RENDERS)
def test_document_is_the_one_that_is_kept(name: str) -> None:
    assert RENDERS[name](ADA) == (GOLDEN / name).read_text(encoding="utf-8")


@each
@given(program=programs)
def test_any_path_is_read_back_and_known_as_ours(
    render: Callable[[Program], str], program: Program
) -> None:
    written = tag.read(render(program))

    assert written is not None
    assert written.program == program
    assert written.is_intact


@each
def test_text_that_somebody_changed_is_not_as_we_wrote_it(
    render: Callable[[Program], str],
) -> None:
    text = render(ADA)
    changed = [text + " ", text.replace("two words", "two more words", 1), text.replace("-P", "-I")]

    assert [one != text for one in changed] == [True, True, True]
    assert [(written := tag.read(one)) and written.is_intact for one in changed] == [False] * 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[Service]\nExecStart=/bin/true\n",
        "# entraclaw-service: {}",
        '# entraclaw-service: {"digest": "0"',
        '# entraclaw-service: {"digest": "0", "python": "/p", "home": "/h"}',
        '# entraclaw-service: {"digest": "0", "python": "", "home": "", "profile": "", "x": ""}',
    ],
)
def test_text_without_a_whole_tag_is_not_ours(text: str) -> None:
    assert tag.read(text) is None


@given(program=programs)
def test_launchd_reads_the_same_words(program: Program) -> None:
    document = plistlib.loads(agent.render(program).encode())

    assert document["ProgramArguments"] == list(program.words)
    assert document["StandardErrorPath"] == program.log
    assert document["KeepAlive"] == {"SuccessfulExit": False}


@given(program=programs)
def test_task_is_xml_with_the_same_interpreter_for_this_user_alone(program: Program) -> None:
    root = ET.fromstring(windows(program).encode("utf-16"))  # noqa: S314 - our own

    assert root.findtext(f".//{TASK}Command") == program.python
    assert (root.findtext(f".//{TASK}Arguments") or "").startswith("-P -m entraclaw.bot.services.")
    assert {one.text for one in root.iter(f"{TASK}UserId")} == {USER}
    assert root.findtext(f".//{TASK}RunLevel") == "LeastPrivilege"


def test_path_that_would_begin_another_setting_is_named() -> None:
    assert ADA.unwritable == ""
    assert Program("/p", "/h\nExecStart=/bin/sh", "ada").unwritable == r"'/h\nExecStart=/bin/sh'"
    assert Program("/\udcff", "/h", "ada").unwritable == r"'/\udcff'"


def test_unit_of_a_profile_that_is_not_ascii_has_a_name_that_systemd_takes() -> None:
    assert unit.name(ADA) == r"entraclaw-ada-\xc3\xa9.service"


def judged(text: str, *, rewrites: bool = False, wanted: Program = ADA) -> tag.Written | Trouble:
    return judging.owned(tag.read(text), wanted, "THERE", rewrites=rewrites)


def test_what_is_ours_is_told_from_what_is_not() -> None:
    ours = unit.render(ADA)

    assert judged(ours) == tag.read(ours)
    assert says(judged("[Service]\n")) == "THERE was not written by entraclaw, and is left as it is"
    assert says(judged(f"{ours}\n")) == (
        "THERE was changed after entraclaw wrote it, and is left as it is"
    )
    # A manager that puts it in words of its own has not changed what it means.
    assert judged(f"{ours}\n", rewrites=True) == tag.read(f"{ours}\n")


def test_service_of_the_same_name_in_another_home_is_left_with_the_way_to_remove_it() -> None:
    theirs = Program(ADA.python, "/srv/other", ADA.profile)
    trouble = judged(unit.render(theirs))

    assert says(trouble) == "THERE is the service of the profile ada-é in /srv/other"
    assert isinstance(trouble, Trouble)
    assert "ENTRACLAW_HOME=/srv/other entraclaw --profile ada-é service remove" in trouble.cure


@pytest.mark.parametrize(
    ("python", "is_there", "expected"),
    [
        (ADA.python, True, None),
        (ADA.python, False, f"it starts {ADA.python}, which is gone"),
        ("/old/python", False, "it starts /old/python, which is gone"),
        ("/old/python", True, "it starts another interpreter than this one: /old/python"),
    ],
)
def test_moved_installation_is_found_out_and_said(
    *, python: str, is_there: bool, expected: str | None
) -> None:
    written = tag.read(unit.render(Program(python, ADA.home, ADA.profile)))
    assert written is not None

    trouble = judging.stale(written, ADA, lambda _: is_there)

    assert (trouble and trouble.says) == expected
    assert trouble is None or trouble.cure == "entraclaw --profile ada-é service install"


def says(judged: tag.Written | Trouble) -> str:
    assert isinstance(judged, Trouble)
    return judged.says
