"""Every column changes the image, and the recipe inside the file says how."""

import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.picture.metadata import read_record
from tests.support.command import Promptsheet
from tests.support.sheets import write_rows

pytestmark = pytest.mark.slow


PLAIN = {
    "prompt": "a lighthouse",
    "magic_prompt": "off",
    "rendering": "turbo",
    "seed_number": "5",
    "color_palette": "",
    "steps": "3",
    "num_images": "1",
}
CHANGES: dict[str, dict[str, str]] = {
    "magic_prompt": {"magic_prompt": "on"},
    "rendering": {"rendering": "quality", "steps": ""},
    "negative_prompt": {"negative_prompt": "blue"},
    "style": {"style": "design"},
    "palette": {"color_palette": "ember"},
    "colours": {"color_palette": "#CBA324:2 #10206F"},
    "aspect_ratio": {"aspect_ratio": "3:2"},
    "steps": {"steps": "4"},
    "guidance": {"guidance": "1"},
    "scheduler": {"scheduler": "euler ancestral"},
    "width": {"width": "100", "height": "150"},
    "seed_number": {"seed_number": "6"},
    "final_prompt": {"final_prompt": "a green tree", "style": "design", "magic_prompt": "on"},
    "wildcards": {"prompt": "a {red|red} boat __sky__"},
    "visibility": {"visibility": "public"},
}


def test_every_column_changes_the_image_and_says_how_in_the_file(
    promptsheet: Promptsheet, config: Path, tmp_path: Path
) -> None:
    rows = [PLAIN, *({**PLAIN, **change} for change in CHANGES.values())]
    shared = tmp_path / "shared"
    shared.mkdir()
    (config / "settings.toml").write_text(f'[share]\nfolder = "{shared}"\n')
    promptsheet.json("run", write_rows(tmp_path / "sheet.csv", rows))
    images = promptsheet.json("show", "last")["list"]
    shown = dict(zip(("plain", *CHANGES), images, strict=True))

    def pixels(name: str) -> np.ndarray[Any, Any]:
        return np.asarray(Image.open(promptsheet.library / shown[name]["file"]), np.int16)

    plain = pixels("plain")
    for name in CHANGES:
        record = read_record(promptsheet.library / shown[name]["file"])
        assert record is not None
        assert record.recipe.to_json() == shown[name]["recipe"], name
        if name == "visibility":
            continue
        changed = pixels(name)
        if changed.shape == plain.shape:
            assert np.abs(changed - plain).mean() > 0.5, name
        assert shown[name]["recipe"] != shown["plain"]["recipe"], name
    recipe = {name: image["recipe"] for name, image in shown.items()}
    assert recipe["magic_prompt"]["prompt"].startswith("a lighthouse ")
    assert recipe["style"]["prompt"] == "a poster of a lighthouse, flat colors"
    assert recipe["final_prompt"]["prompt"] == "a green tree"
    assert recipe["colours"]["palette"] == ["#CBA324:2", "#10206F"]
    assert recipe["scheduler"]["scheduler"].startswith("EulerAncestral")
    assert (recipe["width"]["width"], recipe["width"]["height"]) == (96, 144)
    assert "{" not in recipe["wildcards"]["prompt"] and "__" not in recipe["wildcards"]["prompt"]
    modes = {
        name: stat.S_IMODE((promptsheet.library / shown[name]["file"]).stat().st_mode)
        for name in ("plain", "visibility")
    }
    assert modes == {"plain": 0o600, "visibility": 0o644}
    (published,) = [path for path in shared.rglob("*") if path.is_file()]
    public = promptsheet.library / shown["visibility"]["file"]
    assert published.samefile(public)
    assert published.parent.name == public.parent.name
    assert promptsheet.json("verify")["images"] == len(shown)
