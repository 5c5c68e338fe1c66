"""What the decoder's losses prefer: edges, even where they lie a little elsewhere."""

import random

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from assets.train.autoencoder import new_autoencoder, pictures
from assets.train.decoder import Pupil, blunted, missed
from assets.train.snapping import snapped

pytestmark = pytest.mark.slow


def _edge(at: int) -> torch.Tensor:
    picture = -0.8 * torch.ones(1, 3, 64, 64)
    picture[..., at:] = 0.8
    return picture


def _blurred(picture: torch.Tensor) -> torch.Tensor:
    return F.avg_pool2d(F.pad(picture, (2, 2, 2, 2), mode="replicate"), 5, 1)


def test_nothing_is_wrong_with_the_picture_itself() -> None:
    x = pictures(random.Random(1), 4, 64, 64)
    assert blunted(x, x) == 0
    assert missed(x, x) < 0.2


def test_a_soft_edge_is_blunted_and_one_a_pixel_off_is_less_so() -> None:
    places = range(20, 40)
    softly = sum(blunted(_blurred(_edge(at)), _edge(at)) for at in places)
    aside = sum(blunted(_edge(at + 1), _edge(at)) for at in places)
    assert softly > 3 * aside


def test_a_colour_between_two_is_dearer_than_either() -> None:
    x = torch.cat((-0.8 * torch.ones(1, 3, 8, 8), 0.8 * torch.ones(1, 3, 8, 8)))
    between, one = torch.zeros_like(x), 0.8 * torch.ones_like(x)
    assert missed(between, x) > missed(one, x)


def test_only_the_decoder_and_its_critic_learn() -> None:
    torch.manual_seed(0)
    pupil = Pupil(new_autoencoder())
    loss, decoded = pupil.loss(torch.randn(2, 6, 4, 4), pictures(random.Random(2), 2, 32, 32))
    loss.backward()  # type: ignore[no-untyped-call]
    learned = {name for name, p in pupil.named_parameters() if p.grad is not None}
    assert decoded.shape == (2, 3, 32, 32)
    assert learned == {
        name
        for name, _ in pupil.named_parameters()
        if not name.startswith(("vae.encoder", "vae.quant_conv"))
    }


def test_a_soft_picture_becomes_flat_with_its_edge_where_it_was() -> None:
    sharp = torch.full((3, 32, 32), -0.5)
    sharp[0, :, 13:] = 0.7
    wide = F.pad(sharp[None], (3, 3, 3, 3), mode="replicate")
    soft = F.avg_pool2d(wide, 7, 1)[0]
    assert (soft - sharp).abs().amax() > 0.5
    flat = snapped(soft)
    off = (flat - sharp).abs().amax(0)
    assert off[:, :11].amax() < 0.02 and off[:, 15:].amax() < 0.02
    assert off.mean() < 0.2 * (soft - sharp).abs().amax(0).mean()


def test_a_detail_far_from_every_colour_is_left() -> None:
    picture = torch.full((3, 32, 32), -0.9)
    picture[:, 10, 10] = 0.9
    assert snapped(picture)[:, 10, 10].amin() > 0.3
