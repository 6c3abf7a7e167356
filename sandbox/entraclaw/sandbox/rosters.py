"""What the connector tells beside taking messages: who is in a conversation, what was attached.

Members: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/get-teams-context
Attachments: https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

from aiohttp import web

from entraclaw.sandbox.activities import mri
from entraclaw.sandbox.callers import Callers, ConnectorError, answering
from entraclaw.sandbox.conversations import Conversation, Conversations
from entraclaw.sandbox.directory import PEOPLE, Directory
from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.holdings import Holding, Holdings

_MEMBERS = "/amer/{tid}/v3/conversations/{cid}/members"
# Clients disagree about the capital letter.
_PAGED = "/amer/{tid}/v3/conversations/{cid}/{paged:paged[Mm]embers}"
_ATTACHMENT = "/amer/{tid}/v3/attachments/{id}"
_ORIGINAL = "original"


class Rosters:
    """The connector's calls that only read."""

    def __init__(
        self,
        *,
        callers: Callers,
        directory: Directory,
        conversations: Conversations,
        holdings: Holdings,
    ) -> None:
        self._callers, self._directory = callers, directory
        self._conversations, self._holdings = conversations, holdings

    def routes(self) -> list[web.RouteDef]:
        """What this part serves."""
        return [
            web.get(_MEMBERS, answering(self._members)),
            web.get(f"{_MEMBERS}/{{member}}", answering(self._member)),
            web.get(_PAGED, answering(self._paged)),
            web.get(_ATTACHMENT, answering(self._attachment)),
            web.get(f"{_ATTACHMENT}/views/{{view}}", answering(self._view)),
        ]

    async def _members(self, request: web.Request) -> web.Response:
        return web.json_response(self._listed(request))

    async def _paged(self, request: web.Request) -> web.Response:
        # No conversation here is larger than one page.
        return web.json_response({"members": self._listed(request)})

    async def _member(self, request: web.Request) -> web.Response:
        wanted = request.match_info["member"]
        for member in self._listed(request):
            if wanted in {member["id"], member["aadObjectId"]}:
                return web.json_response(member)
        raise ConnectorError(404, "MemberNotFoundInConversation", "Member not found.")

    async def _attachment(self, request: web.Request) -> web.Response:
        holding = self._held(request)
        views = [{"viewId": _ORIGINAL, "size": len(holding.content)}]
        return web.json_response(
            {"name": holding.name, "type": holding.content_type, "views": views}
        )

    async def _view(self, request: web.Request) -> web.Response:
        holding = self._held(request)
        if request.match_info["view"] != _ORIGINAL:
            raise ConnectorError(404, "NotFound", "View not found.")
        return web.Response(body=holding.content, content_type=holding.content_type)

    def _listed(self, request: web.Request) -> list[Json]:
        place = self._callers.place(request, self._callers.speaker(request))
        return [*_people(place), *self._agents(place)]

    def _agents(self, place: Conversation) -> list[Json]:
        agent = self._directory.agent(place.agent)
        # A bot is in the conversation, and on no roster.
        if agent is None or agent.is_bot:
            return []
        return [_member(mri(agent.user), agent.user, agent.name, agent.upn, agent.tenant)]

    def _held(self, request: web.Request) -> Holding:
        speaker = self._callers.speaker(request)
        found = self._holdings.find(request.match_info["id"])
        place = self._conversations.find(found[0]) if found else None
        if found is None or place is None or found[1].url:
            raise ConnectorError(404, "AttachmentNotFound", "Attachment not found.")
        self._callers.admit(place, speaker)
        return found[1]


def _people(place: Conversation) -> list[Json]:
    people = (person for person in PEOPLE if person.oid in place.members)
    return [_member(p.teams_id, p.oid, p.name, p.upn, p.tenant) for p in people]


def _member(teams_id: str, oid: str, name: str, upn: str, tenant: str) -> Json:
    given, _, surname = name.partition(" ")
    return {
        "id": teams_id,
        "aadObjectId": oid,
        "objectId": oid,
        "name": name,
        "givenName": given,
        "surname": surname or None,
        "email": upn,
        "userPrincipalName": upn,
        "tenantId": tenant,
        "userRole": "user",
    }
