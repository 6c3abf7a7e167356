"""The daemon and its commands: the top of the house, which composes all other rooms.

Nothing is imported here: `entraclaw mcp` starts with every host session and must stay
as light as the interpreter itself.
"""
