"""torch and diffusers: batches to pixels. Nothing else in the engine imports them.

A renderer is a process of its own (`renderer`): it hears `engine.protocol.rendering`, loads models
(`loaded`, `pipelines`), draws (`drawing`) in lanes side by side, and sends encoded files back. It
knows no database. Begin with `renderer`.
"""
