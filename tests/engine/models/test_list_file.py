"""The user's model list is written as a careful hand would: what was there stays as it was."""

from pathlib import Path

import pytest

from engine.models.catalog import load_models
from engine.models.list_file import LabelTakenError, add_entries, remove_entry
from engine.models.loras import listed_loras
from engine.settings import SettingsError
from tests.engine.models.test_catalog import diffusers_folder

LIST = """# My models, by hand

[[models]]
label = "mine"   # the good one
source = "mine"

# Slow, but pretty
[[models]]
label = "other"
source = "other"
rendering.turbo = { steps = 4, guidance = 0 }
"""


def test_an_entry_is_added_behind_the_others_whose_remarks_stay(config: Path) -> None:
    path = config / "models.toml"
    path.write_text(LIST)
    for name in ("mine", "other", "new"):
        diffusers_folder(config / name)
    assert add_entries({"label": "a “new” one", "source": str(config / "new")}) == path
    assert path.read_text().startswith(LIST)
    assert list(load_models()) == ["builtin", "mine", "other", "a “new” one"]
    assert not [each for each in config.iterdir() if each.name.startswith(".models")]


def test_the_first_entry_makes_the_list(config: Path) -> None:
    folder = diffusers_folder(config / "new")
    add_entries({"label": "new", "source": str(folder)})
    assert load_models()["new"].source == folder


def test_a_label_that_is_there_is_never_written_over(config: Path) -> None:
    (config / "models.toml").write_text(LIST)
    with pytest.raises(LabelTakenError, match="models remove mine"):
        add_entries({"label": "mine", "source": "elsewhere"})
    assert (config / "models.toml").read_text() == LIST


def test_an_entry_that_is_taken_out_leaves_the_others_as_they_were(config: Path) -> None:
    (config / "models.toml").write_text(LIST)
    entry = remove_entry("other")
    assert entry == {
        "label": "other",
        "source": "other",
        "rendering": {"turbo": {"steps": 4, "guidance": 0}},
    }
    left = (config / "models.toml").read_text()
    assert 'label = "mine"   # the good one' in left and "other" not in left
    remove_entry("mine")
    assert "# My models, by hand" in (config / "models.toml").read_text()
    add_entries(entry)
    diffusers_folder(config / "other")
    assert load_models()["other"].rendering["turbo"].steps == 4


@pytest.mark.parametrize("text", ["[models]\nlabel = 'x'\n", "models = [1]\n", "not toml"])
def test_a_list_that_is_none_is_not_written_to(config: Path, text: str) -> None:
    (config / "models.toml").write_text(text)
    with pytest.raises(SettingsError, match=r"models\.toml"):
        add_entries({"label": "new", "source": "new"})
    assert (config / "models.toml").read_text() == text


def test_what_is_not_there_cannot_be_taken_out(config: Path) -> None:
    with pytest.raises(SettingsError, match="no model nobody"):
        remove_entry("nobody")


def test_a_list_that_is_no_text_is_told_in_words(config: Path, tmp_path: Path) -> None:
    (config / "models.toml").write_bytes(b"# \xff\n")
    (config / "loras.toml").write_bytes(b"# \xff\n")
    asked = (
        load_models,
        listed_loras,
        lambda: add_entries({"label": "a", "source": str(tmp_path)}),
    )
    for ask in asked:
        with pytest.raises(SettingsError, match="toml cannot be read: it is no text in UTF-8"):
            ask()
    assert (config / "models.toml").read_bytes() == b"# \xff\n"
