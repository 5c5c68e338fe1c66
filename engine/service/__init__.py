"""The engine process of a library: how it is started, asked, and what it does.

`client` is for whoever talks to it, `server` is the process itself, `nodes` what runs for it around
a Ray cluster; they share the lock, the place of the socket and the spool, and meet on the wires
(`engine.protocol`) alone. May import `engine.library`, `engine.render`'s names of devices, and what
lies below; no torch. Begin with `server.process` for the commands, and with `server.dispatcher` for
the work.
"""
