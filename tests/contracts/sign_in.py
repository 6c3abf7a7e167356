"""What a kept sign-in promises, wherever its key stands; every `SealStore` passes this."""

import json
import multiprocessing
import os
import pickle
import stat
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from entraclaw.errors import KeyUnavailable, SignInUnreadable
from entraclaw.identity.sealing import SealStore
from entraclaw.identity.sign_in_file import Account, Purpose, SignIn, SignInFile

PURPOSE = Purpose("default", "https://login.example", "6f1d5c1e", "0427ed9d")
ACCOUNT = Account("a0a0a0a0-1111", "Ada Lovelace", "ada@contoso.example", 1763930000.0)
SIGN_IN = SignIn(ACCOUNT, '{"RefreshToken": "not-for-the-disk"}')
BOUND_S = 30.0

OpenSeals = Callable[[], SealStore]


def add_up(path: Path, seals: SealStore, times: int) -> None:
    """Count in the file's own cache: what another process wrote meanwhile must not be lost."""
    file = SignInFile(path, PURPOSE, seals)
    for _ in range(times):
        while True:
            mark, held = file.mark(), file.read()
            assert held is not None
            if file.renew(replace(held, cache=str(int(held.cache) + 1)), mark):
                break


class SignInContract:
    @pytest.fixture
    def open_seals(self, tmp_path: Path) -> OpenSeals:
        raise NotImplementedError

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "state" / "delegated.bin"

    @pytest.fixture
    def open_file(self, path: Path, open_seals: OpenSeals) -> Callable[..., SignInFile]:
        def opened(**changes: str) -> SignInFile:
            return SignInFile(path, replace(PURPOSE, **changes), open_seals(), patience_s=0.2)

        return opened

    @pytest.fixture
    def kept(self, open_file: Callable[..., SignInFile]) -> SignInFile:
        file = open_file()
        with file.changing():
            file.write(SIGN_IN)
        return file

    def test_nobody_is_signed_in_at_first(self, open_file: Callable[..., SignInFile]) -> None:
        file = open_file()

        assert file.unavailable() is None
        assert file.mark() is None
        assert file.read() is None

    def test_what_was_written_is_read_by_another(
        self, kept: SignInFile, open_file: Callable[..., SignInFile]
    ) -> None:
        assert open_file().read() == kept.read() == SIGN_IN

    def test_disk_and_repr_show_nothing_of_it(self, kept: SignInFile) -> None:
        raw = kept.path.read_bytes()

        assert b"not-for-the-disk" not in raw
        assert b"ada@" not in raw
        assert "not-for-the-disk" not in repr(kept.read())

    @pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
    def test_only_the_owner_may_look(self, kept: SignInFile) -> None:
        assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(kept.path.parent.stat().st_mode) & 0o077 == 0

    @pytest.mark.parametrize("share", [0, 1, 30, 45, 60, -1])
    def test_truncated_file_is_refused_and_not_taken_for_nobody(
        self, kept: SignInFile, share: int
    ) -> None:
        kept.path.write_bytes(kept.path.read_bytes()[:share])

        with pytest.raises(SignInUnreadable, match="cannot be opened") as error:
            kept.read()
        assert "entraclaw sign-out" in error.value.hint

    def test_changed_byte_is_noticed_wherever_it_is(self, kept: SignInFile) -> None:
        whole = kept.path.read_bytes()
        for place in (*range(0, len(whole), 11), len(whole) - 1):
            kept.path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            with pytest.raises(SignInUnreadable):
                kept.read()

    @pytest.mark.parametrize("name", ["profile", "login", "tenant", "client"])
    def test_file_of_another_profile_tenant_or_client_does_not_open(
        self, kept: SignInFile, open_file: Callable[..., SignInFile], name: str
    ) -> None:
        del kept
        with pytest.raises(SignInUnreadable, match="another profile"):
            open_file(**{name: "another"}).read()

    def test_words_cannot_slide_from_one_name_into_the_next(
        self, kept: SignInFile, open_file: Callable[..., SignInFile]
    ) -> None:
        del kept
        with pytest.raises(SignInUnreadable):
            open_file(profile="defaulthttps://login", login=".example").read()

    def test_another_key_does_not_open_it(self, kept: SignInFile, open_seals: OpenSeals) -> None:
        open_seals().create()

        with pytest.raises(SignInUnreadable, match="was changed"):
            kept.read()

    def test_file_whose_key_is_gone_is_refused(
        self, kept: SignInFile, open_seals: OpenSeals
    ) -> None:
        open_seals().delete()

        with pytest.raises(SignInUnreadable, match="key is gone"):
            kept.read()

    def test_forgetting_removes_file_and_key_and_can_be_done_again(
        self, kept: SignInFile, open_seals: OpenSeals
    ) -> None:
        for _ in range(2):
            with kept.changing():
                kept.forget()

        assert kept.read() is None
        assert open_seals().load() is None
        assert [one.name for one in kept.path.parent.glob("delegated.bin*")] == []

    def test_next_sign_in_has_a_key_of_its_own(
        self, kept: SignInFile, open_file: Callable[..., SignInFile]
    ) -> None:
        before = kept.path.read_bytes()
        with kept.changing():
            kept.forget()
            kept.write(SIGN_IN)
        kept.path.write_bytes(before)

        with pytest.raises(SignInUnreadable):
            open_file().read()

    def test_renewal_of_what_has_changed_meanwhile_is_not_written(
        self, kept: SignInFile, open_file: Callable[..., SignInFile]
    ) -> None:
        mark, other = kept.mark(), replace(SIGN_IN, cache="{}")
        with kept.changing():
            kept.write(other)

        assert not open_file().renew(SIGN_IN, mark)
        assert kept.read() == other

    def test_renewal_does_not_bring_back_who_signed_out(self, kept: SignInFile) -> None:
        mark = kept.mark()
        with kept.changing():
            kept.forget()

        assert not kept.renew(SIGN_IN, mark)
        assert kept.read() is None

    def test_who_waits_too_long_for_another_is_told(
        self, kept: SignInFile, open_file: Callable[..., SignInFile]
    ) -> None:
        with (
            kept.changing(),
            pytest.raises(KeyUnavailable, match="takes too long"),
            open_file().changing(),
        ):
            pass

    def test_what_cannot_be_written_leaves_what_was(self, kept: SignInFile) -> None:
        if os.name != "posix" or os.geteuid() == 0:
            kept.path.unlink()
            kept.path.mkdir()  # whoever may do everything cannot do this
            with kept.changing(), pytest.raises(KeyUnavailable, match="cannot be written"):
                kept.write(SIGN_IN)
            assert [one.name for one in kept.path.parent.glob("delegated.bin.*")] == []
            return
        kept.path.parent.chmod(0o500)
        with pytest.raises(KeyUnavailable, match="cannot be written"):
            kept.write(SIGN_IN)
        assert kept.read() == SIGN_IN

    def test_seal_is_not_carried_away(self, kept: SignInFile, open_seals: OpenSeals) -> None:
        del kept
        seal = open_seals().load()

        assert repr(seal) == "Seal()"
        with pytest.raises(TypeError):
            pickle.dumps(seal)

    @pytest.mark.skipif(sys.platform == "win32", reason="it forks")
    def test_two_processes_lose_nothing_of_each_other(
        self, path: Path, kept: SignInFile, open_seals: OpenSeals
    ) -> None:
        with kept.changing():
            kept.write(replace(SIGN_IN, cache="0"))
        context = multiprocessing.get_context("fork")
        both = [context.Process(target=add_up, args=(path, open_seals(), 20)) for _ in range(2)]
        for one in both:
            one.start()
        for one in both:
            one.join(BOUND_S)

        assert [one.exitcode for one in both] == [0, 0]
        held = kept.read()
        assert held is not None
        assert held.cache == "40"

    def test_version_that_is_not_ours_is_refused(
        self, kept: SignInFile, open_seals: OpenSeals
    ) -> None:
        seal = open_seals().load()
        assert seal is not None
        kept.path.write_bytes(seal.close(json.dumps({"version": 2}).encode(), PURPOSE.words))

        with pytest.raises(SignInUnreadable, match="another version"):
            kept.read()
