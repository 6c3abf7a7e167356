"""Everything about people who sign in, put together: grants, pages, knobs."""

from aiohttp import web

from entraclaw.sandbox.apis import Apis
from entraclaw.sandbox.asks import Asks
from entraclaw.sandbox.clock import Clock
from entraclaw.sandbox.consent_host import ConsentHost, Ledgers
from entraclaw.sandbox.directory import Directory
from entraclaw.sandbox.directory_roles import Appointments
from entraclaw.sandbox.person_grants import PersonGrants
from entraclaw.sandbox.public_clients import PublicClients
from entraclaw.sandbox.settings import Settings
from entraclaw.sandbox.signin_control import SigninControl
from entraclaw.sandbox.signin_host import SigninHost
from entraclaw.sandbox.signins import Signins


class People:
    """The rooms of signing in, and the ledgers they share."""

    def __init__(
        self, *, login: str, directory: Directory, apis: Apis, clock: Clock, settings: Settings
    ) -> None:
        resources = apis.resources
        self._clients, self._signins, self._clock = PublicClients(), Signins(), clock
        self._appointments = Appointments()
        self.grants = PersonGrants(self._clients, self._signins, resources, self._appointments)
        self._host = SigninHost(
            login=login,
            directory=directory,
            clients=self._clients,
            signins=self._signins,
            resources=resources,
            appointments=self._appointments,
            clock=clock,
        )
        ledgers = Ledgers(directory, self._clients, self._signins, self._appointments, apis)
        self._consent = ConsentHost(ledgers, clock, settings)

    def routes(self) -> list[web.RouteDef]:
        """What a browser sees, and where device codes are asked for."""
        return [*self._host.routes(), *self._consent.routes()]

    def control(self, asks: Asks) -> SigninControl:
        """The part of the control API."""
        return SigninControl(
            asks=asks,
            clients=self._clients,
            signins=self._signins,
            host=self._host,
            appointments=self._appointments,
            clock=self._clock,
        )
