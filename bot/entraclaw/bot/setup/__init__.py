"""Set an agent up on this machine, and take it down again: files, keys, daemon, progress.

What is made in the tenant, and in which order, is `entraclaw.identity.provisioning`'s.
"""
