"""Having models ready, and why one cannot be."""

from importlib.resources import files
from pathlib import Path

import pytest

from engine.render import loaded
from engine.render.lanes import Lanes


def test_a_folder_that_is_not_there_is_no_fault_of_the_model(tmp_path: Path) -> None:
    models = loaded.LoadedModels("cpu", Lanes(1), 1)
    with pytest.raises(loaded.ModelAbsentError, match="mount its disk"):
        models.load(tmp_path, "a fingerprint", "auto")  # a mount point with nothing mounted


def test_a_model_larger_than_all_memory_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    models = loaded.LoadedModels("cpu", Lanes(1), 1)
    assert models.fits_alone(Path(str(files("assets") / "models" / "builtin")))
    monkeypatch.setattr(loaded, "_weights_bytes", lambda _: 1 << 60)
    assert not models.fits_alone(Path("huge"))
