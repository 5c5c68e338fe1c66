"""Who may import whom, proved at run time; import-linter checks the written imports."""

import json
import subprocess
import sys

import pytest

HUB = {"huggingface_hub", "httpx2"}
HEAVY = {"torch", "diffusers", "transformers", "pandas", "numpy", "textual", "rich", *HUB}


def modules(statement: str) -> set[str]:
    """What is loaded after `statement`, in a fresh interpreter."""
    program = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def imported_by(statement: str) -> set[str]:
    """Top-level modules of what is loaded after `statement`."""
    return {name.partition(".")[0] for name in modules(statement)}


def test_the_engine_process_starts_without_torch_and_without_a_screen() -> None:
    loaded = imported_by("import engine.service.__main__")
    assert not loaded & {"torch", "diffusers", "transformers", "pandas", "textual", "rich", "ray"}


def test_the_front_door_opens_without_anything_heavy() -> None:
    assert not imported_by("import engine.api; engine.api.Library().sessions") & HEAVY


def test_a_sheet_without_pictures_takes_nothing_that_decodes_one() -> None:
    loaded = imported_by("import engine.api; engine.api.Library().sheets.check_prompts(['a tree'])")
    assert not loaded & {"numpy", "PIL"}


def test_the_sheet_is_painted_without_what_computes_pixels() -> None:
    """A third of the time to its first paint was numpy's."""
    assert not imported_by("import tui.screens.sheet") & {"numpy", "isal", "PIL", "torch"}


def test_what_is_not_asked_for_is_not_loaded_before_the_first_paint() -> None:
    loaded = modules("import tui.cli, tui.opening, tui.app_state")
    assert not {name for name in loaded if name.startswith(("engine.library.", "engine.sheet"))}


def test_the_command_line_starts_without_anything_heavy() -> None:
    assert not imported_by("import tui.cli") & HEAVY


def test_what_talks_to_the_hub_does_so_in_a_process_of_its_own() -> None:
    assert not imported_by("import engine.models.hub.pulling") & HEAVY
    assert not imported_by("import engine.models.hub.child") & (HEAVY - HUB)


@pytest.mark.parametrize("program", ["engine.sheet.reader", "engine.picture.metadata"])
def test_guarded_and_pure_parts_do_not_know_torch(program: str) -> None:
    assert not imported_by(f"import {program}") & {"torch", "pandas", "textual"}
