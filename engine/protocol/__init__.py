"""What processes say to each other: every message a named, checked structure, in one framing.

Three wires are spoken here. A client (the app, a subcommand, a notebook) gives the engine process
`commands`, hears `answers`, and may follow `events`. The engine process and its renderers exchange
the messages of `rendering`; those of renderers on other machines come and go inside the messages of
`cluster`, which it exchanges with the driver of a Ray cluster. `framing` puts any of them on a
socket and takes them off again: what has an unknown name, a wrong type or value, a missing or
an unknown field is refused there, before anything is carried out. Open to fields of other versions
is only what these say to each other: the greeting, how an engine process is, and that it ends.
`rewriting` is for a child process, a line each.

Begin with `commands`. Imported here: `engine.picture` (recipes and conditions) and `engine.sheet`
(the values of a row), nothing that does work.
"""
