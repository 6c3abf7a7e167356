"""The part of the control API that says what the tenant has: APIs, and licences to give."""

from aiohttp import web

from entraclaw.sandbox.apis import APIS, Apis
from entraclaw.sandbox.directory import HOME, Directory
from entraclaw.sandbox.documents import DocumentError, flag, load, number
from entraclaw.sandbox.licences import LICENCES


class TenantControl:
    """What only the tenant's owner could change: what Microsoft set up in it, what was bought."""

    def __init__(self, directory: Directory, apis: Apis) -> None:
        self._directory, self._apis = directory, apis

    def routes(self) -> list[web.RouteDef]:
        """What this part serves."""
        return [
            web.put("/control/apis/{app}", self._provide),
            web.put("/control/licences/{name}", self._buy),
        ]

    async def _provide(self, request: web.Request) -> web.Response:
        app = request.match_info["app"].lower()
        found = next((api for api in APIS if api.app == app), None)
        if found is None:
            raise DocumentError("there is no API with this application id")
        missing = self._apis.resources.missing
        if flag(load(await request.read()), "present", default=True):
            missing.discard(found.audience)
        else:
            missing.add(found.audience)
        present = found.audience not in missing
        return web.json_response({"name": found.name, "present": present})

    async def _buy(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in LICENCES:
            raise DocumentError("there is no licence with this part number")
        free = int(number(load(await request.read()), "free"))
        if free < 0:
            raise DocumentError("free cannot be negative")
        used = self._directory.used(HOME.id, name)
        self._directory.pools.buy(name, used + free)
        return web.json_response({"bought": used + free, "used": used})
