"""The library's fixtures, for those who schedule its work."""

from tests.engine.library.conftest import rendered, writer

__all__ = ["rendered", "writer"]
