"""What is offered can be named, and says under which licence it comes."""

from engine.models.families import FAMILIES
from engine.models.hub.offers import offers, wanted
from engine.models.hub.repository import Repository, named


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
