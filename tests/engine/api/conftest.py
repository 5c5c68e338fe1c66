"""A library to be asked."""

from tests.engine.library.conftest import rendered, writer

__all__ = ["rendered", "writer"]
