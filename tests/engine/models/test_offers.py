"""What is offered can be named, and says under which licence it comes."""

from dataclasses import replace

from engine.models.families import FAMILIES
from engine.models.hub.offers import offers, pull_names, wanted
from engine.models.hub.repository import Repository, named
from engine.sheet.check import check_table
from tests.support.sheets import VOCABULARY, table


def test_every_offer_is_a_repository_with_a_licence() -> None:
    found = offers()
    titles = {family.title.split()[0] for family in FAMILIES.values()} | {"Ideogram"}
    for offer in found:
        assert named(offer.repository).revision == "main"
        assert offer.licence and 0 < len(offer.about) <= 44, "it has a line of the narrowest screen"
        assert offer.family.split()[0] in titles
    assert len({offer.label for offer in found}) == len(found)
    ideogram = next(offer for offer in found if offer.label == "ideogram-4")
    assert ideogram.gated and "not commercial" in ideogram.licence


def test_an_offer_is_pulled_by_its_label_and_others_by_their_names() -> None:
    sdxl = "stabilityai/stable-diffusion-xl-base-1.0"
    assert wanted("SDXL") == (Repository(sdxl, "main"), "sdxl")
    assert wanted("sdxl@v1") == (Repository(sdxl, "v1"), "sdxl")
    assert wanted(sdxl) == (Repository(sdxl, "main"), "sdxl")
    assert wanted("acme/My.Model@x") == (Repository("acme/My.Model", "x"), "my.model")


def test_a_cell_that_names_a_model_of_the_hub_is_told_what_fetches_it() -> None:
    pull_name = pull_names()
    assert [pull_name(text) for text in ("SDXL", "FLUX.1-dev", "flux 1 dev")] == [
        "sdxl",
        "flux-dev",
        "flux-dev",
    ]
    assert pull_name("stabilityai/stable-diffusion-xl-base-1.0") == "sdxl"
    assert pull_name("acme/my-model") == "acme/my-model"
    assert pull_name("my model") == pull_name("") == ""
    found = check_table(
        table(["prompt", "model"], ["a boat", "sdxl"]), replace(VOCABULARY, pull_name=pull_name)
    )
    assert "`promptsheet models pull sdxl` fetches it" in found.problems[0].message
