"""The library on disk: its database, its files, and what holds them in step.

All SQL is here. `write` changes the library and is used by the engine process alone; `read` only
looks, from any process; `maintain` holds database and files against each other. `migrations` is the
one source of the schema. Knows neither `engine.render` nor any process. Begin with
`write.writer` and `read.reader`.
"""
