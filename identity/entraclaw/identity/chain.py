"""Trade three tokens for one: blueprint, then agent, then user.

Entra lets an agent act as its own user only through three requests, each carrying proof
of the one before. This module knows their order, keeps the first two tokens, and says which
hop Entra refused; `entraclaw.identity.entra` makes the requests.

Every call blocks: `entraclaw.identity.minter` keeps it off the event loop.

Contract, with sources: docs/identity/token-chain.md
"""

from collections.abc import Callable, Mapping

from entraclaw.errors import HopRefused
from entraclaw.identity.cloud import Cloud
from entraclaw.identity.entra import Application, Clock, Entra, Result, reached
from entraclaw.identity.expiry import is_due
from entraclaw.identity.keys import Key
from entraclaw.identity.refusals import is_stale
from entraclaw.identity.values import AgentIds, Hop, HopTiming, Token

EXCHANGE_SCOPE = "api://AzureADTokenExchange/.default"


class Chain:
    """The three hops of one agent, in one thread: a `TokenSource` of its agent user.

    What the first two hops returned serves every resource until it is due.
    """

    def __init__(
        self,
        ids: AgentIds,
        cloud: Cloud,
        key: Callable[[], Key],
        clock: Clock,
        observe: Callable[[HopTiming], None],
    ) -> None:
        """Remember who and where; nothing is asked before the first token is.

        Args:
            ids: Whose token.
            cloud: Which Entra.
            key: Finds the key that signs the blueprint's assertions; asked each time, so
                that a keystore unlocked later is found unlocked.
            clock: Dates assertions and tokens.
            observe: Told how long each hop took.
        """
        self._ids, self._key, self._clock, self._observe = ids, key, clock, observe
        self._entra = Entra(cloud, ids.tenant, clock, observe, first=Hop.BLUEPRINT)
        self._proofs: dict[Hop, Token] = {}
        self._blueprint: Application | None = None
        self._agent: Application | None = None

    def token(self, scope: str, claims: str = "") -> Token:
        """Walk the chain to a token of the agent user for *scope*.

        *claims* is what a resource demands of the token (a claims challenge, JSON).

        Raises:
            HopRefused: Entra said no; later hops were not asked.
            Unreachable: Entra did not answer.
            KeyUnavailable: The assertion could not be signed.
            KeyMisused: The key, or Entra's metadata, is for another tenant or login host.
        """
        with reached():
            return self._walk_anew(scope, claims)

    def _walk_anew(self, scope: str, claims: str) -> Token:
        """Walk; once more from the start where a proof that was kept is no good any more."""
        kept = len(self._proofs)
        try:
            return self._walk(scope, claims)
        except HopRefused as error:
            if not (kept and is_stale(Hop(error.hop), error.code)):
                raise
        self._proofs.clear()
        return self._walk(scope, claims)

    def _walk(self, scope: str, claims: str) -> Token:
        self._proof(Hop.BLUEPRINT, self._blueprint_token)  # `_shown` with both that follow
        second = self._proof(Hop.AGENT, self._agent_token)
        return self._entra.asked(
            Hop.USER, scope, lambda: self._user_token(scope, second.secret, claims)
        )

    def _proof(self, hop: Hop, ask: Callable[[], Result]) -> Token:
        held = self._proofs.get(hop)
        if held is not None and not is_due(held, self._clock.time()):
            self._observe(HopTiming(hop, 0.0))
            return held
        made = self._proofs[hop] = self._entra.asked(hop, EXCHANGE_SCOPE, ask)
        return made

    def _blueprint_token(self) -> Result:
        if self._blueprint is None:
            proof = self._entra.signed(self._key)
            self._blueprint = self._entra.application(self._ids.blueprint, proof)
        return self._blueprint.acquire_token_for_client([EXCHANGE_SCOPE], fmi_path=self._ids.agent)

    def _agent_application(self) -> Application:
        if self._agent is None:
            self._agent = self._entra.application(self._ids.agent, self._shown)
        return self._agent

    def _agent_token(self) -> Result:
        return self._agent_application().acquire_token_for_client([EXCHANGE_SCOPE])

    def _user_token(self, scope: str, proof: str, claims: str) -> Result:
        return self._agent_application().acquire_token_by_user_federated_identity_credential(
            [scope],
            assertion=proof,
            user_object_id=self._ids.user,
            claims_challenge=claims or None,
            data={"requested_token_use": "on_behalf_of"},
        )

    def _shown(self, context: Mapping[str, str]) -> str:
        # msal asks for the agent's proof on every request.
        del context
        return self._proofs[Hop.BLUEPRINT].secret
