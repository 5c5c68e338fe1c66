"""What can be changed while an engine process runs is looked at in one place."""

from pathlib import Path

import pytest

from engine.service.server.current_settings import CurrentSettings
from engine.settings import MagicSettings, Settings, SettingsError


def test_what_was_handed_down_holds_until_the_file_is_changed(config: Path, library: Path) -> None:
    given = Settings(library=library, magic=MagicSettings(model="given"))
    current = CurrentSettings(given)
    assert current.look() is given
    (config / "settings.toml").write_text('[magic]\nmodel = "changed"\n')
    assert current.look().magic.model == "changed"
    assert current.look().library == library
    (config / "settings.toml").unlink()
    assert not current.look().magic.model


def test_a_slip_in_the_file_is_said_until_it_is_mended(config: Path, library: Path) -> None:
    current = CurrentSettings(Settings(library=library))
    (config / "settings.toml").write_text("magic = 3\n")
    for _ in range(2):
        with pytest.raises(SettingsError, match="magic"):
            current.look()
    (config / "settings.toml").write_text('[magic]\nmodel = "mended"\n')
    assert current.look().magic.model == "mended"
