"""Promptsheet's engine: from a sheet to images on disk, with or without a screen.

Everything but the screen lives here. What others may use is `engine.api`; ARCHITECTURE.md draws the
layers, and import-linter holds them: a package imports from those below it alone. Begin with
`engine.api.Library`, or, to see a sheet become pixels, with `engine.service.server.dispatcher`.
"""

__version__ = "0.1.0"
