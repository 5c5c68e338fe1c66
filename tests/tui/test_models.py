"""The Models screen: what is known of each, adding, taking out and bringing back."""

from pathlib import Path

import pytest
from textual.widgets import Input

from engine.api import Library
from engine.models.catalog import load_models
from engine.models.loras import listed_loras
from engine.settings import Settings
from tests.support.screens import WITH_ALL, opened_sheet, screen_text, until
from tests.support.weights_files import (
    CLIP,
    DOWN,
    VAE,
    flux,
    flux_folder,
    kohya,
    put_shapes,
    unet,
)
from tui.app import PromptsheetApp
from tui.screens.ask import Ask
from tui.screens.model_adding import KeepModel
from tui.screens.models import ModelsScreen

pytestmark = pytest.mark.slow


async def test_a_model_is_added_looked_at_taken_out_and_brought_back(
    app: PromptsheetApp, config: Path, tmp_path: Path
) -> None:
    path = put_shapes(tmp_path / "pretty pictures.safetensors", unet() | VAE | CLIP)
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        await until(pilot, lambda: "open a sheet" in screen_text(app))
        await pilot.press("f4")
        await until(pilot, lambda: "✓ whole" in screen_text(app))
        assert "image to image, mask, negative prompt, LoRA" in screen_text(app)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, Ask))
        app.screen.query_one(Input).value = str(path)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, KeepModel))
        await until(pilot, lambda: "a complete model of Stable Diffusion 1" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ModelsScreen))
        await until(pilot, lambda: "pretty-pictures" in load_models())
        await until(pilot, lambda: screen_text(app).count("✓ whole") == 2)
        path.write_bytes(path.read_bytes()[:-1])
        await pilot.press("f5")
        await until(pilot, lambda: "✗ unusable" in screen_text(app))
        assert "is incomplete" in screen_text(app)
        await pilot.press("d")
        await until(pilot, lambda: "pretty-pictures" not in load_models().faults)
        await until(pilot, lambda: "✗ unusable" not in screen_text(app))
        assert path.exists()
        await pilot.press("u")
        await until(pilot, lambda: "pretty-pictures" in load_models().faults)
        await until(pilot, lambda: "✗ unusable" in screen_text(app))
        await pilot.press("home", "d")
        await until(pilot, lambda: "comes with Promptsheet" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.current_mode == "sheet")


async def test_a_folder_full_is_offered_and_a_denoiser_asks_for_the_rest(
    app: PromptsheetApp, config: Path, tmp_path: Path
) -> None:
    pytest.importorskip("gguf")
    from tests.support.gguf_files import FLUX, write_gguf

    full, base = tmp_path / "full", flux_folder(tmp_path / "flux")
    put_shapes(full / "one.safetensors", unet() | VAE | CLIP)
    put_shapes(full / "two.safetensors", unet() | VAE | CLIP | {"extra": [1]})
    put_shapes(full / "lora.safetensors", kohya(DOWN, 768))
    denoiser = put_shapes(tmp_path / "fine.safetensors", flux())
    rounded = write_gguf(tmp_path / "q8.gguf", FLUX)

    async def typed(text: str) -> None:
        await until(pilot, lambda: isinstance(app.screen, Ask))
        app.screen.query_one(Input).value = text
        await pilot.press("enter")

    async with app.run_test(size=(80, 24), **WITH_ALL) as pilot:
        await until(pilot, lambda: "open a sheet" in screen_text(app))
        await pilot.press("f4")
        await until(pilot, lambda: "✓ whole" in screen_text(app))
        await pilot.press("i")
        await typed(str(full))
        await until(pilot, lambda: "2 models in" in screen_text(app))
        assert "1 other file skipped" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: {"one", "two"} <= load_models().keys())
        await until(pilot, lambda: isinstance(app.screen, ModelsScreen))
        await pilot.press("i")
        await typed(str(full / "lora.safetensors"))
        await until(pilot, lambda: "yes, add" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: any("in your LoRAs" in n.message for n in app._notifications))
        assert "lora" in listed_loras()
        await pilot.press("i")
        await typed(str(denoiser))
        await until(pilot, lambda: "only the denoiser of FLUX.1" in screen_text(app))
        await typed(str(base))
        await until(pilot, lambda: isinstance(app.screen, KeepModel))
        app.screen.query_one(Input).value = "名前"
        await pilot.press("enter")
        await until(pilot, lambda: "名前" in load_models())
        assert load_models()["名前"].base == base
        await until(pilot, lambda: isinstance(app.screen, ModelsScreen))
        await pilot.press("i")
        await typed(str(rounded))
        await until(pilot, lambda: "q8.gguf is only the denoiser" in screen_text(app))
        await typed(str(base))
        await until(pilot, lambda: isinstance(app.screen, KeepModel))
        await pilot.press("enter")
        await until(pilot, lambda: "q8" in load_models())


async def test_a_sheet_that_names_a_model_asks_for_it_and_follows_the_list(
    settings: Settings, config: Path, tmp_path: Path
) -> None:
    path = put_shapes(tmp_path / "other.safetensors", unet() | VAE | CLIP)
    sheet = tmp_path / "mine.csv"
    sheet.write_text("prompt,model\na boat,pretty\na cat,[red]x\na dog,pretty\n")
    app = PromptsheetApp(Library(settings), sheet)

    def ready() -> int:
        return screen.draft.ready if screen.draft else 0

    async with app.run_test(size=(80, 24), **WITH_ALL) as pilot:
        screen = await opened_sheet(pilot)
        await pilot.press("down", "less_than_sign")
        await until(pilot, lambda: "the model [red]x, which" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        await pilot.press("up", "less_than_sign")
        await until(pilot, lambda: "add a folder or file" in screen_text(app))
        app.screen.query_one(Input).value = "add"
        await pilot.press("enter")
        await until(pilot, lambda: "Which model? A folder" in screen_text(app))
        app.screen.query_one(Input).value = str(path)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, KeepModel))
        assert app.screen.query_one(Input).value == "pretty"
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen and ready() == 2)
        await pilot.press("end", "n")  # whatever is looked at, the list is
        listed = config / "models.toml"
        listed.write_text(listed.read_text().replace('"pretty"', '"[red]x"  # mine'))
        await until(pilot, lambda: ready() == 1 and "2 errors" in screen_text(app))
        listed.write_text("[[models")
        await until(
            pilot,
            lambda: any("could not be checked again" in n.message for n in app._notifications),
        )
        assert ready() == 1
