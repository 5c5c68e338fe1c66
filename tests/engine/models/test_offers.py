"""What is offered can be named, and says under which licence it comes."""

from dataclasses import replace

import pytest

from engine.machine import Gpu
from engine.models.families import FAMILIES
from engine.models.hub.offers import chosen, offers, pull_names, wanted
from engine.models.hub.repository import Repository, named
from engine.models.placement import PlacementWish, placed
from engine.models.weights import ModelSize, PartSize
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
    assert "`promptsheet models pull sdxl` downloads it" in found.problems[0].message


GIB, BILLION = 1 << 30, 10**9


@pytest.mark.parametrize(
    ("gpu_gib", "capability", "machine_gib", "form"),
    [
        (80, 9.0, 128, "bf16"),
        (48, 8.6, 128, "bf16"),
        (24, 8.9, 64, "fp8"),
        (24, 8.6, 64, "nf4"),  # it does not compute in float8
        (24, 8.9, 32, "nf4"),  # its weights are whole before they are rounded
        (16, 8.9, 64, "nf4"),
        (8, 8.9, 64, "nf4"),
        (0, 0.0, 64, "bf16"),  # without a GPU
    ],
)
def test_the_form_that_suits_a_machine_is_proposed_and_any_can_be_named(
    gpu_gib: int, capability: float, machine_gib: int, form: str
) -> None:
    gpu = Gpu(gpu_gib * GIB, capability) if gpu_gib else None
    found = chosen("Ideogram-4@v2", gpu, machine_gib * GIB)
    assert found is not None and found.form.name == form
    for other in found.offer.forms:
        named_one = chosen(found.offer.label_of(other), gpu, machine_gib * GIB)
        assert named_one is not None and named_one.form == other
    assert chosen("sdxl", gpu, machine_gib * GIB) is None


def _ideogram(form: str) -> ModelSize:
    """Ideogram 4's parts: 9.3 billion numbers in each denoiser, 8.8 in its text encoder."""
    share = {"bf16": 0.0, "fp8": 1.0, "nf4": 0.56}[form]

    def part(name: str, billions: float) -> PartSize:
        numbers = int(billions * BILLION)
        return PartSize(name, 0, int(numbers * share)) if share else PartSize(name, numbers)

    denoisers = part("transformer", 9.3), part("unconditional_transformer", 9.3)
    rest = part("text_encoder", 8.8), PartSize("vae", int(0.17 * BILLION))
    return ModelSize((*denoisers, *rest), 4608, 16, 256)


@pytest.mark.parametrize("form", ["bf16", "fp8", "nf4"])
def test_from_the_memory_on_that_a_form_names_encoder_and_denoisers_take_turns(form: str) -> None:
    found = chosen(f"ideogram-4-{form}", None, 0)
    assert found is not None
    memory = int(found.form.gpu_gb) * GIB
    way = placed(_ideogram(form), 1024**2, "cuda:0", memory, PlacementWish())
    assert (way.placement.offload, way.placement.tiled, way.fits) == ("text", False, True)
