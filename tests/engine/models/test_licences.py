from pathlib import Path

import pytest

from engine.models.licences import licence_of


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: apache-2.0\ntags: [a]\n---\n# A model\n", "apache-2.0"),
        ("---\nlicense: other\nlicense_name: some-licence\n---\n", "some-licence"),
        ("---\nlicense: other\n---\n", "other"),
        ("# A model\n---\nlicense: mit\n---\n", ""),
        ("---\nlicense: mit\n", ""),
        ("---\n: [\n---\n", ""),
        ("---\njust words\n---\n", ""),
    ],
)
def test_a_licence_is_what_the_card_names(tmp_path: Path, card: str, licence: str) -> None:
    (tmp_path / "README.md").write_text(card)
    assert licence_of(tmp_path) == licence


def test_a_folder_without_a_card_names_none(tmp_path: Path) -> None:
    assert licence_of(tmp_path) == ""
