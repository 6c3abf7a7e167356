"""The Teams app package: this room will pack and check it.

Nothing is built here yet. The room exists so that the package's data (manifest, agentic
user template, icons, Microsoft's JSON schema) ships as package data, in a wheel and in a
checkout alike.
"""
