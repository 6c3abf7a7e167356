"""What the agent can do at Microsoft, one module per area, through one authorised client.

Knows nothing of how a message came in, or of MCP.
"""

from entraclaw.tools.graph import Graph
from entraclaw.tools.people import Person, me, sponsors

__all__ = ["Graph", "Person", "me", "sponsors"]
