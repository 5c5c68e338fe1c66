"""What workers, commands, engine processes and renderers import, for what they are forked from."""

import os

from engine.service import renderer_process
from engine.service.server import process

os.environ |= renderer_process.ENVIRONMENT  # some of it is read when torch is imported

import diffusers
import diffusers.guiders
import hypothesis
import openpyxl
import pandas
import pytest

import engine.api.checked
import engine.api.found_pictures
import engine.api.picture_archives
import engine.render.loaded
import engine.render.pipelines
import engine.render.renderer
import engine.render.sources
import tests.support.families
import tests.support.screens
import tui.cli
import tui.keys
import tui.report
from engine.models.schedulers import SCHEDULERS

for scheduler in SCHEDULERS.values():
    getattr(diffusers, scheduler.kind)  # loads its module
list(tui.keys.all_bindings())  # loads every screen

__all__ = ["engine", "hypothesis", "openpyxl", "pandas", "process", "pytest", "tests", "tui"]
