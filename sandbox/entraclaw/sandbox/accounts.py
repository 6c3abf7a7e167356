"""Graph's view of an agent user's own account, and the control API that changes it.

`/me/licenseDetails` and the two mailbox calls answer for the bearer alone.

Licences: https://learn.microsoft.com/graph/api/user-list-licensedetails
Folders: https://learn.microsoft.com/graph/api/mailfolder-get
Settings: https://learn.microsoft.com/graph/api/user-get-mailboxsettings
"""

from dataclasses import asdict, replace

from aiohttp import web

from entraclaw.sandbox.agent import Agent
from entraclaw.sandbox.asks import Asks, read_certificate
from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.clock import Clock
from entraclaw.sandbox.directory import Directory
from entraclaw.sandbox.documents import DocumentError, Json, flag, load, number, texts
from entraclaw.sandbox.envelopes import Answering, GraphError, document
from entraclaw.sandbox.licences import LICENCES

_SELF = frozenset({"User.Read", "User.ReadWrite", "User.Read.All", "LicenseAssignment.Read.All"})
_MAIL = frozenset({"Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite"})
_SETTINGS = frozenset({"MailboxSettings.Read", "MailboxSettings.ReadWrite"})

_KNOBS = frozenset({"principal", "deleted", "licences", "mailbox_in_s", "certificates"})


class Accounts:
    """The account calls of the Graph host."""

    def __init__(self, *, base: str, directory: Directory, answer: Answering) -> None:
        self._base, self._directory, self._answer = base, directory, answer

    def routes(self) -> list[web.RouteDef]:
        """What this part serves."""
        return [
            web.get("/v1.0/me/licenseDetails", self._answer(self._licences)),
            web.get("/v1.0/me/mailFolders/inbox", self._answer(self._inbox)),
            web.get("/v1.0/me/mailboxSettings", self._answer(self._settings)),
        ]

    async def _licences(self, _request: web.Request, bearer: Bearer) -> web.Response:
        if not bearer.scopes & _SELF:
            raise GraphError(
                403,
                "Authorization_RequestDenied",
                "Insufficient privileges to complete the operation.",
            )
        agent = self._own(bearer)
        value = [LICENCES[name].document(agent.tenant) for name in agent.account.licences]
        return self._context(f"users('{agent.user}')/licenseDetails", {"value": value})

    async def _inbox(self, _request: web.Request, bearer: Bearer) -> web.Response:
        agent = self._with_mailbox(bearer, _MAIL)
        folder: Json = {
            "id": f"AQMk{agent.user.replace('-', '')}AAAIBDAAAAA==",
            "displayName": "Inbox",
            "parentFolderId": f"AQMk{agent.user.replace('-', '')}AAAIBCAAAAA==",
            "childFolderCount": 0,
            "unreadItemCount": 0,
            "totalItemCount": 0,
            "isHidden": False,
        }
        return self._context(f"users('{agent.user}')/mailFolders/$entity", folder)

    async def _settings(self, _request: web.Request, bearer: Bearer) -> web.Response:
        agent = self._with_mailbox(bearer, _SETTINGS)
        settings: Json = {
            "archiveFolder": f"AQMk{agent.user.replace('-', '')}AAAIBHAAAAA==",
            "timeZone": "UTC",
            "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
            "dateFormat": "M/d/yyyy",
            "timeFormat": "h:mm tt",
            "userPurpose": "user",
        }
        return self._context(f"users('{agent.user}')/mailboxSettings", settings)

    def _with_mailbox(self, bearer: Bearer, scopes: frozenset[str]) -> Agent:
        if not bearer.scopes & scopes:
            message = "Access is denied. Check credentials and try again."
            raise GraphError(403, "ErrorAccessDenied", message)
        agent = self._own(bearer)
        if not agent.account.has_mailbox(self._answer.clock.now()):
            raise GraphError(
                404,
                "MailboxNotEnabledForRESTAPI",
                "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
            )
        return agent

    def _own(self, bearer: Bearer) -> Agent:
        agent = self._directory.agent(bearer.oid)
        if agent is None or agent.account.is_deleted:
            raise GraphError(
                404,
                "Request_ResourceNotFound",
                f"Resource '{bearer.oid}' does not exist or one of its queried "
                "reference-property objects are not present.",
            )
        return agent

    def _context(self, name: str, body: Json) -> web.Response:
        return document({"@odata.context": f"{self._base}/v1.0/$metadata#{name}", **body})


class AccountControl:
    """The part of the control API that an administrator's acts on an account stand in for."""

    def __init__(self, directory: Directory, clock: Clock, asks: Asks) -> None:
        self._directory, self._clock, self._asks = directory, clock, asks

    def routes(self) -> list[web.RouteDef]:
        """What this part serves."""
        return [web.put("/control/agents/{user}/account", self._change)]

    async def _change(self, request: web.Request) -> web.Response:
        agent = self._asks.agent(request.match_info["user"])
        body = load(await request.read())
        if unknown := set(body) - _KNOBS:
            raise DocumentError(f"an account has nothing called {min(unknown)}")
        changed = self._changed(agent, body)
        self._directory.keep(changed)
        return web.json_response(asdict(changed.account))

    def _changed(self, agent: Agent, body: Json) -> Agent:
        account = agent.account
        if "licences" in body:
            account = replace(account, licences=_licences(body))
        if "mailbox_in_s" in body:
            ready = self._clock.now() + number(body, "mailbox_in_s")
            account = replace(account, mailbox_from=ready)
        account = replace(
            account,
            has_principal=flag(body, "principal", default=account.has_principal),
            is_deleted=flag(body, "deleted", default=account.is_deleted),
        )
        certificates = agent.certificates
        if "certificates" in body:
            pems = texts(body, "certificates")
            certificates = tuple(read_certificate({"certificate": pem}) for pem in pems)
        return replace(agent, account=account, certificates=certificates)


def _licences(body: Json) -> tuple[str, ...]:
    names = texts(body, "licences")
    if unknown := set(names) - set(LICENCES):
        raise DocumentError(f"there is no licence called {min(unknown)}")
    return names
