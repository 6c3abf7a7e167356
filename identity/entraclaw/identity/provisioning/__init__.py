"""Make, change and look at an agent's objects in a tenant, as an administrator who signs in.

What is asked of Microsoft Graph is decided in generators that yield calls and take replies
(`calls`); `driving` runs them against the one module that sends (`graph_admin`).
"""
