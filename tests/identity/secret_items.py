"""The Secret Service of whichever desktop, and its items behind the store's back."""

from dataclasses import dataclass

from keyring.backends import SecretService

from entraclaw.identity.keys.system_keyring import SystemKeyring


@dataclass(frozen=True, slots=True)
class Items:
    keyring: SystemKeyring

    def read(self, name: str) -> str:
        record = self.keyring.get("entraclaw", name)
        assert record is not None
        return record

    def write(self, name: str, text: str) -> None:
        self.keyring.put("entraclaw", name, text)


def secret_service() -> SecretService.Keyring:
    return SecretService.Keyring()  # type: ignore[no-untyped-call]  # keyring types part of itself
