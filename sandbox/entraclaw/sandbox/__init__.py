"""The emulated Microsoft: one tenant, on this machine, behind real sockets.

`python -m entraclaw.sandbox --home DIR` stands in for Entra, Graph and the
Teams channel with its connector, over TLS from its own authority. It speaks
only the wire and imports nothing else of this project, so whatever works
against it was said aloud. `python -m entraclaw.sandbox.host -- COMMAND` stands
in for the LLM host at the other end.

Nothing is public here but the two processes.
"""

__all__: list[str] = []
