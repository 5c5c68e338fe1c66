"""Stage 2: the tokenizer, and a text encoder that has learned to read captions.

The tokenizer is CLIP's (byte-level BPE) with merges for the world's own words, a token each; what
it does not know falls into bytes. The text encoder is a small CLIPTextModel. Before anything is
drawn it learns, from captions alone, to answer the questions of `captions` at its last positions,
which see the whole prompt: the denoiser then finds there, in order, what it has to draw. On
text alone that takes minutes; learned from pictures it would take most of the training.
"""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from assets.train.captions import QUESTIONS, Facts, caption, vocabulary
from assets.train.glyphs import KINDS
from assets.train.loop import Loop, Team
from assets.train.world import Picture, is_held_out, one_thing, scene, several_things, two_things

LENGTH, WIDTH = 40, 128
_BYTES = 512
"""The first tokens are bytes, within and at the end of a word."""

_REGISTERS: dict[int, tuple[str, ...]] = {
    -1: tuple(QUESTIONS),
    -2: ("background", "sky", "ground"),
    -3: ("sky", "light", "light place", "clouds", "lightning"),
    -4: ("ground", "mountains", "arrangement"),
    -5: tuple(name for name in QUESTIONS if name.startswith("second")),
    -6: tuple(name for name in QUESTIONS if name.startswith("first")),
    -7: ("first kind", "first colour", "first count"),
    -8: ("second kind", "second colour", "second place"),
}
"""Position from the end → the questions answered there."""


def new_tokenizer() -> Any:
    """CLIP's tokenizer, with this world's words."""
    clip = CLIPTokenizer()._tokenizer
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.normalizer, learner.pre_tokenizer = clip.normalizer, clip.pre_tokenizer
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=3000,
        initial_alphabet=alphabet,
        end_of_word_suffix="</w>",
        min_frequency=1,
        show_progress=False,
    )
    learner.train_from_iterator(vocabulary(), trainer)
    learned = _merges(learner)
    tokens = [*alphabet, *(c + "</w>" for c in alphabet)]
    tokens += [a + b for a, b in learned]
    tokens = [*dict.fromkeys(tokens), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(
        vocab={token: i for i, token in enumerate(tokens)},
        merges=learned,
        model_max_length=LENGTH,
    )


def _merges(learner: Any) -> list[tuple[str, str]]:
    merges = json.loads(learner.to_str())["model"]["merges"]
    return [(a, b) for a, b in (m.split(" ") if isinstance(m, str) else m for m in merges)]


def new_text_encoder(tokenizer: Any) -> Any:
    """Three layers, 128 wide."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            num_hidden_layers=3,
            num_attention_heads=4,
            max_position_embeddings=LENGTH,
            projection_dim=WIDTH,
            hidden_act="quick_gelu",
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def picture_to_learn(
    rng: random.Random, plain: float, kinds: tuple[str, ...] = KINDS, pairs: float = 0.25
) -> Picture:
    """A picture that may be learned from; `plain` is the share without a scene.

    Of the plain ones `pairs` is the share with two different things. A kind that `kinds` names
    twice is twice as often what a plain picture is of.
    """
    while True:
        if rng.random() >= plain:
            picture = scene(rng)
        elif rng.random() < pairs:
            picture = two_things(rng, kinds)
        else:
            picture = rng.choice((one_thing, one_thing, several_things))(rng, kinds)
        if not is_held_out(picture):
            return picture


def tokens(tokenizer: Any, texts: list[str]) -> torch.Tensor:
    """Shape: n × LENGTH token ids, as the pipeline makes them."""
    ids = tokenizer(texts, padding="max_length", max_length=LENGTH, truncation=True).input_ids
    return torch.tensor(ids)


def with_unknown_words(row: torch.Tensor, end: int, rng: random.Random) -> torch.Tensor:
    """The token row with a word of bytes put in somewhere."""
    ids = row.tolist()
    length = ids.index(end)
    at = rng.randint(1, length)
    word = [rng.randrange(_BYTES // 2) for _ in range(rng.randint(0, 6))]
    word.append(rng.randrange(_BYTES // 2, _BYTES))
    ids = (ids[:at] + word + ids[at:])[: len(ids)]
    ids[-1] = end
    return torch.tensor(ids)


class Reader(nn.Module):
    """The text encoder, and at each register the heads that answer its questions."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = nn.ModuleList(
            nn.Linear(WIDTH, sum(len(QUESTIONS[name]) for name in names))
            for names in _REGISTERS.values()
        )

    def forward(self, ids: torch.Tensor) -> list[tuple[str, torch.Tensor]]:
        """(question, scores of its answers) for each register's questions."""
        hidden = self.encoder(ids).last_hidden_state
        scores: list[tuple[str, torch.Tensor]] = []
        for (position, names), head in zip(_REGISTERS.items(), self.heads, strict=True):
            split = head(hidden[:, position]).split([len(QUESTIONS[n]) for n in names], dim=1)
            scores.extend(zip(names, split, strict=True))
        return scores


def _lesson(tokenizer: Any, rng: random.Random, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    told = [caption(picture_to_learn(rng, 0.5), rng) for _ in range(n)]
    ids = tokens(tokenizer, [text if rng.random() > 0.02 else "" for text, _ in told])
    answers = torch.tensor([facts.answers() for _, facts in told])
    for i, row in enumerate(ids):
        if row[1] == tokenizer.eos_token_id:
            answers[i] = 0
        elif rng.random() < 0.2 and row[-9] == tokenizer.eos_token_id:
            ids[i] = with_unknown_words(row, tokenizer.eos_token_id, rng)
    return ids, answers


def train_reader(team: Team, work: Path, minutes: float) -> None:
    """Ends with `work/tokenizer` and `work/text_encoder`; begins from them where they are."""
    torch.manual_seed(0)
    if (work / "text_encoder").exists():
        tokenizer = CLIPTokenizer.from_pretrained(work / "tokenizer")
        encoder = CLIPTextModel.from_pretrained(work / "text_encoder")
    else:
        tokenizer = new_tokenizer()
        encoder = new_text_encoder(tokenizer)
    reader = Reader(encoder).to(team.device)
    loop = Loop(team, reader, work / "reader.pt", minutes, rate=2e-3, decay_from=0.3)
    rng = random.Random(1000 * loop.steps + team.rank)
    index = {name: i for i, name in enumerate(QUESTIONS)}
    n = 48 if team.device.type == "cpu" else 512
    for _ in loop:
        ids, answers = (part.to(team.device) for part in _lesson(tokenizer, rng, n))
        with team.precision():
            losses = [
                F.cross_entropy(scores.float(), answers[:, index[name]])
                for name, scores in reader(ids)
            ]
        loop.step(torch.stack(losses).mean())
    if team.leads:
        with loop.averaged():
            rng = random.Random(9)
            print("captions wholly understood:", f"{understood(reader, tokenizer, rng):.3f}")
            tokenizer.save_pretrained(work / "tokenizer")
            reader.encoder.save_pretrained(work / "text_encoder")


@torch.no_grad()
def understood(reader: Reader, tokenizer: Any, rng: random.Random, n: int = 1000) -> float:
    """The share of captions of held-out combinations of which every answer is right."""
    device = next(reader.parameters()).device
    told: list[tuple[str, Facts]] = []
    while len(told) < n:
        picture = scene(rng) if rng.random() < 0.5 else one_thing(rng, KINDS)
        if is_held_out(picture):
            told.append(caption(picture, rng))
    ids = tokens(tokenizer, [text for text, _ in told]).to(device)
    answers = torch.tensor([facts.answers() for _, facts in told])
    index = {name: i for i, name in enumerate(QUESTIONS)}
    right = np.ones(n, dtype=bool)
    for name, scores in reader(ids):
        right &= (scores.argmax(1).cpu() == answers[:, index[name]]).numpy()
    return float(right.mean())
