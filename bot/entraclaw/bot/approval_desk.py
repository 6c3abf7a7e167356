"""The desk's side of approvals: list what is asked, and answer it.

The person at the machine answers here, so an answer must not come from within a session
that asks: the operating system tells which process is at the other end of the socket, and
one that a connected host started is refused.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from entraclaw.bot import kin
from entraclaw.bot.access import DESK
from entraclaw.bot.approvals import Approvals
from entraclaw.bot.permission import Behavior, Request
from entraclaw.bot.question import ID
from entraclaw.errors import ApprovalRefused, EntraclawError

VERBS = frozenset({"approvals", "answer"})
WORDS_LIMIT = 500  # letters of a reason
Result = dict[str, Any]


class ApprovalDesk:
    """What `entraclaw approvals` asks of a running daemon."""

    def __init__(self, approvals: Approvals, shims: Callable[[], Iterable[int]]) -> None:
        """Answer in *approvals*, but not for what the hosts of *shims*, process ids, started."""
        self._approvals, self._shims = approvals, shims

    def do(self, request: Mapping[str, object], pid: int) -> Result:
        """Do what process *pid* asks; gives the result, or ``error`` and ``hint``."""
        try:
            if request.get("verb") == "answer":
                return self._answer(request, pid)
        except EntraclawError as error:
            return {"error": str(error), "hint": error.hint, "exit": error.exit_code}
        return {"approvals": [_document(one) for one in self._approvals.open()]}

    def is_of_a_host(self, pid: int) -> bool:
        """Tell whether process *pid* was started by a host that is connected."""
        return kin.descends(pid, {*self._shims(), *self._approvals.pids()} - {0})

    def _answer(self, request: Mapping[str, object], pid: int) -> Result:
        name, behavior, words = (request.get(key) for key in ("id", "behavior", "words"))
        if not isinstance(name, str) or not ID.fullmatch(name):
            raise ApprovalRefused("an id is five letters, a to z without l")
        if not isinstance(behavior, str) or behavior not in set(Behavior):
            raise ApprovalRefused("an answer is allow or deny")
        if not isinstance(words, str) or len(words) > WORDS_LIMIT:
            raise ApprovalRefused(f"a reason holds at most {WORDS_LIMIT} characters")
        # Where the system does not tell who asks, the command line's terminal must do.
        if pid and self.is_of_a_host(pid):
            raise ApprovalRefused(
                "a session cannot answer for itself, or for another one",
                hint="answer in a terminal that no LLM host started",
            )
        answered = self._approvals.answer(name, Behavior(behavior), DESK, words)
        return {
            "id": name,
            "behavior": behavior,
            "by": DESK,
            "session": answered.question.session,
            "tool": answered.question.tool,
        }


def _document(request: Request) -> Result:
    """Shape a request for programs."""
    question = request.question
    return {
        "id": request.id,
        "session": question.session,
        "tool": question.tool,
        "description": question.description,
        "input": question.input,
        "left_out": question.left_out,
        "origins": [origin.value for origin in request.origins],
        "asked": request.asked,
        "expires": request.expires,
        "turns": [asdict(turn) for turn in request.turns],
    }
