"""A model that a cell names and the list lacks: what is offered, and the cell once it came."""

from dataclasses import replace

from engine.api.missing_models import MissingModel, take_model
from engine.sheet.editing import Draft
from engine.sheet.problem_navigation import Place
from engine.sheet.rows import Severity
from tests.support.sheets import VOCABULARY, table

LIMITS = VOCABULARY.models[VOCABULARY.default_model]


def draft(*names: str, **models: bool) -> Draft:
    """Rows that name models; `models`: whether each of those there are is told by captions."""
    vocabulary = replace(
        VOCABULARY,
        models={"builtin": LIMITS}
        | {label: replace(LIMITS, captions=captions) for label, captions in models.items()},
        default_model="builtin",
        model_faults={"broken": "Its file is cut off."},
    )
    rows = [[f"a boat {number}", name] for number, name in enumerate(names)]
    return Draft(table(["prompt", "model"], *rows), vocabulary)


def test_only_a_cell_that_names_a_model_which_is_not_there_asks_for_one() -> None:
    found = draft("sdxl", "builtin", "broken", "", "“SDXL”", "4.0")
    asked = [MissingModel.of(found, Place(number, "model")) for number in found.numbers]
    assert asked == [
        MissingModel("sdxl", "sdxl"),
        None,
        None,
        None,
        MissingModel("“SDXL”", "SDXL"),
        MissingModel("4.0", ""),
    ]
    assert MissingModel.of(found, Place(2, "prompt")) is None
    assert MissingModel.of(found, Place(2, None)) is None
    there = draft("V_4", ideogram=True)
    assert MissingModel.of(there, Place(2, "model")) is None, "it is here: the cell suggests it"


def test_what_is_offered_is_found_by_a_name_that_is_near() -> None:
    def offered(label: str) -> list[str]:
        return [offer.label for offer in MissingModel(label, label).offers()]

    assert offered("SD XL")[0] == offered("Stable Diffusion XL")[0] == "sdxl"
    assert offered("black-forest-labs/FLUX.1-dev")[0] == offered("flux dev")[0] == "flux-dev"
    assert offered("my-finetune-sdxl") == ["sdxl"]
    assert offered("whatever") == offered("?") == []
    assert [offer.label for offer in MissingModel("V_4", "").offers()] == ["ideogram-4"]
    assert MissingModel("acme/tiny", "acme/tiny").repository() == "acme/tiny"
    assert MissingModel("tiny", "tiny").repository() == ""


def test_a_model_that_came_under_another_label_is_written_into_all_cells_that_asked() -> None:
    asking = draft("4.0", "2a", "4.0")
    here = asking.with_vocabulary(draft("", own=True).vocabulary)
    assert take_model(here, "4.0", "own") == 2
    assert [here.text(number, "model") for number in here.numbers] == ["own", "2a", "own"]
    assert here.count(Severity.ERROR) == 1
    assert take_model(here, "own", "builtin") == 0, "nothing is wrong with it"
    assert here.undo() and here.text(2, "model") == "4.0"
