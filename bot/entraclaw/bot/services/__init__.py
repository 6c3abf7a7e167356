"""Have this machine's own service manager run the daemon of a profile.

What a manager is given is text, made by plain functions (`unit`, `agent`, `task`), each
beside the thin module that talks to that manager (`systemd`, `launchd`, `scheduler`).
`service` decides what may be written and removed. What the manager starts is `keeper`, which
starts the daemon and decides by `restarts` whether and when it is started anew.
"""
