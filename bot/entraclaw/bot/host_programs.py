"""Serve the programs that a host starts beside its shim: what rings, its hooks, its questions."""

from entraclaw.bot.approvals import Approvals
from entraclaw.bot.desk import Desk
from entraclaw.bot.hooking import Hooking
from entraclaw.bot.local_socket import Guest
from entraclaw.bot.sessions import Listener, Sessions
from entraclaw.bot.wakers.choosing import is_needed

_CHUNK = 1 << 12


class HostPrograms:
    """What they ask of the daemon."""

    def __init__(self, sessions: Sessions, approvals: Approvals, hooking: Hooking) -> None:
        """Serve those of *sessions*."""
        self._sessions, self._approvals, self._hooking = sessions, approvals, hooking

    async def serve(self, guest: Guest, desk: Desk | None) -> None:
        """Serve one to its end; *desk* is None while the profile has no agent."""
        match guest.wants:
            case "ask":
                await guest.say(await self._approvals.serve(guest))
            case "hook":
                # Whatever a hook is for, its session is at work.
                await self._keep_busy(guest, desk)
                await self._hooking.serve(guest, is_configured=desk is not None)
            case "busy":
                await self._keep_busy(guest, desk)
            case _ if desk is not None:
                await self._ring(guest, desk)
            case _:
                pass

    async def _ring(self, guest: Guest, desk: Desk) -> None:
        """Say a line whenever the session should wake, until one leaves."""

        async def ring(waiting: int) -> None:
            await guest.say({"waiting": waiting})

        listener = Listener(
            guest.session, guest.facts.get("waker", ""), ring, dismiss=guest.writer.close
        )
        if not is_needed(self._sessions.get(guest.session), listener.kind):
            return
        try:
            await desk.listen(listener)
            # It says nothing; the end of what it says is its end.
            while await guest.reader.read(_CHUNK):
                pass
        finally:
            desk.unlisten(listener)

    async def _keep_busy(self, guest: Guest, desk: Desk | None) -> None:
        if desk is not None and self._sessions.has(guest.session):
            await desk.busy(guest.session)
