"""One cause is one red line, however many lines it makes wrong."""

from entraclaw.bot.diagnosis.finding import Finding, told_once

KEY = Finding("key", "is locked", "unlock it")


def test_second_line_with_the_same_cure_points_to_the_first() -> None:
    well, second = Finding("disk", "there is room"), Finding("list", "is locked", "unlock it")

    key, disk, listed = told_once([KEY, well, second])

    assert (key, disk) == (KEY, well)
    assert (listed.says, listed.is_note, listed.is_well) == ("is locked", True, True)
    assert listed.cure == "put right what is said of key"


def test_what_has_another_cure_stays_red_and_a_note_cures_nothing() -> None:
    note = Finding("mailbox", "is not there yet", "wait", is_note=True)
    other, red = Finding("list", "is damaged", "restore it"), Finding("hosts", "none", "wait")

    assert list(told_once([KEY, note, other, red])) == [KEY, note, other, red]
