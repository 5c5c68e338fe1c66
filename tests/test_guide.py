"""The guide tells the truth: what it names is there, and what is there has its place in it."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
PACKAGES = sorted(
    path.parent.relative_to(ROOT).as_posix()
    for top in ("engine", "tui", "assets")
    for path in (ROOT / top).rglob("__init__.py")
)


def test_every_package_stands_in_the_diagram_of_the_layers() -> None:
    layers = ARCHITECTURE.partition("\n## Layers\n")[2].partition("```\n")[2].partition("```")[0]
    named = set(re.findall(r"[a-z_]+(?:\.[a-z_]+)*", layers))
    assert len(PACKAGES) > 25 and "assets/train" in PACKAGES
    assert not {name.replace("/", ".") for name in PACKAGES} - named - {"engine"}


def test_every_module_that_the_guide_names_is_there() -> None:
    named = set(
        re.findall(
            r"`((?:engine|tui|assets|library|service|render|plan|sheet|protocol|picture)"
            r"(?:\.[a-z_]+)+)",
            ARCHITECTURE,
        )
    )
    assert len(named) > 20
    for name in named:
        parts = (
            name.split(".")
            if name.startswith(("engine", "tui", "assets"))
            else ["engine", *name.split(".")]
        )
        found = [
            ROOT.joinpath(*parts[:size]).with_suffix(".py").is_file()
            or ROOT.joinpath(*parts[:size], "__init__.py").is_file()
            for size in (len(parts), len(parts) - 1)
        ]
        assert any(found), f"{name} is named in ARCHITECTURE.md and is not there"


def test_every_file_that_a_recipe_names_is_there() -> None:
    named = set(re.findall(r"`((?:engine|tui|assets|tests)/[\w/.]+)`", CONTRIBUTING))
    assert len(named) > 15
    assert not {name for name in named if not (ROOT / name).exists()}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_says_what_lives_there(package: str) -> None:
    text = (ROOT / package / "__init__.py").read_text()
    docstring = re.match(r'"""(.+?)"""', text, re.DOTALL)
    assert docstring and len(docstring[1].split("\n")) > 2, f"{package} has no guide of its own"


def _named(top: str) -> Iterator[tuple[str, str, str]]:
    """Name, meaning and place of each class and each alias of a type; private ones, too.

    A class within a class, a widget's message, is called by both. Two aliases of the same type
    are one thing.
    """
    for path in (ROOT / top).rglob("*.py"):
        where = path.relative_to(ROOT).as_posix()

        def classes(body: Sequence[ast.stmt], within: str, where: str) -> Iterator[tuple[str, str]]:
            for each in body:
                if isinstance(each, ast.ClassDef):
                    name = f"{within}{each.name.lstrip('_')}"
                    yield name, f"{where}:{each.lineno}"
                    yield from classes(each.body, f"{name}.", where)

        tree = ast.parse(path.read_text())
        for name, place in classes(tree.body, "", where):
            yield name, place, place
        for each in tree.body:
            if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name):
                name, value = each.targets[0].id.lstrip("_"), each.value
            elif isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
                if each.value is None:
                    continue
                name, value = each.target.id.lstrip("_"), each.value
            else:
                continue
            if re.match(r"[A-Z]\w*[a-z]", name) and isinstance(
                value, ast.Subscript | ast.BinOp | ast.Name | ast.Attribute
            ):
                yield name, ast.unparse(value), f"{where}:{each.lineno}"


def test_no_two_classes_or_types_have_one_name() -> None:
    named: dict[str, dict[str, str]] = {}
    for top in ("engine", "tui"):
        for name, meaning, place in _named(top):
            named.setdefault(name, {})[meaning] = place
    assert len(named) > 800 and {"Draft", "Progress", "DraftTable.Changed"} <= named.keys()
    assert not {name: [*all_.values()] for name, all_ in named.items() if len(all_) > 1}
