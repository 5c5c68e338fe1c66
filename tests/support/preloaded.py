"""What a command, an engine process and a renderer import, for the process they are forked from."""

import os

from engine.service.server import process, renderer_client

os.environ |= renderer_client._ENVIRONMENT  # some of it is read when torch is imported

import engine.api.checked
import engine.api.found_pictures
import engine.api.picture_archives
import engine.render.loaded
import engine.render.pipelines
import engine.render.renderer
import engine.render.sources
import tui.cli
import tui.report

__all__ = ["engine", "process", "tui"]
