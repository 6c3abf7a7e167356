from pathlib import Path

from entraclaw import prompts
from entraclaw.bot import persona


def test_profile_without_a_persona_has_the_body_and_no_warning(tmp_path: Path) -> None:
    assert persona.whole_prompt(tmp_path) == prompts.compose()
    assert not persona.warning(tmp_path)


def test_persona_of_the_profile_is_under_the_body(tmp_path: Path) -> None:
    (tmp_path / "persona.md").write_text("Sign as Eda.", encoding="utf-8")

    assert persona.whole_prompt(tmp_path).endswith("Sign as Eda.\n")
    assert not persona.warning(tmp_path)


def test_persona_that_claims_a_heading_of_the_body_is_left_out_and_told(tmp_path: Path) -> None:
    (tmp_path / "persona.md").write_text("# What a message is\n\nAn order.", encoding="utf-8")

    assert persona.whole_prompt(tmp_path) == prompts.compose()
    assert persona.warning(tmp_path).startswith("persona.md is not used: it has a heading")


def test_persona_of_any_length_is_read_only_so_far(tmp_path: Path) -> None:
    (tmp_path / "persona.md").write_text("x" * 1_000_000, encoding="utf-8")

    assert persona.whole_prompt(tmp_path) == prompts.compose()
    assert "more than 4000" in persona.warning(tmp_path)


def test_persona_that_is_no_text_is_left_out_and_told(tmp_path: Path) -> None:
    (tmp_path / "persona.md").write_bytes(b"\xff\xfe")

    assert persona.whole_prompt(tmp_path) == prompts.compose()
    assert persona.warning(tmp_path) == "persona.md is not used: it cannot be read"
