"""Renderers on other machines, through a Ray cluster: what runs outside of the engine process.

`driver` is the one process that knows Ray: it tells the engine process of the cluster's nodes, and
carries frames between it and the actors. An actor (`holder`) is on a node: it starts a renderer
there, as the engine process does on its own machine, and finds models and pictures for it.

Begin with `holder`. The engine process's end is `engine.service.server.cluster`; the words of the
wire are `engine.protocol.cluster`. No torch; Ray in `driver` alone.
"""
