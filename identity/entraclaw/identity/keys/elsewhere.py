"""A key whose private half never enters this process: a token or the system signs with it."""

from collections.abc import Callable
from typing import NoReturn

from entraclaw.identity.keys import Algorithm, Binding


class KeyElsewhere:
    """A `Key` that only says who holds its private half, and has that make the signatures."""

    def __init__(
        self,
        sign: Callable[[Algorithm, bytes], bytes],
        certificate: bytes,
        algorithm: Algorithm,
        binding: Binding,
    ) -> None:
        """Have *sign* make the signatures; *certificate* is its public PEM."""
        self._sign = sign
        self._certificate, self._algorithm, self._binding = certificate, algorithm, binding

    def __repr__(self) -> str:
        """Name the binding only."""
        return f"KeyElsewhere({self._binding!r})"

    def __reduce__(self) -> NoReturn:
        """Stay in this process."""
        raise TypeError("a key that is kept elsewhere is not carried away")

    @property
    def binding(self) -> Binding:
        """The tenant and login host this key was made for."""
        return self._binding

    @property
    def algorithm(self) -> Algorithm:
        """PS256 where its keeper makes it, else RS256."""
        return self._algorithm

    @property
    def certificate(self) -> bytes:
        """The public certificate, PEM."""
        return self._certificate

    def sign(self, message: bytes) -> bytes:
        """Have its keeper sign *message*."""
        return self._sign(self._algorithm, message)
