"""Captions that a language model writes: who is asked, for what, and what becomes of the answer."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from engine.caption.reading import written
from engine.library.read.reader import list_images
from engine.library.records import Rewrite
from engine.library.write.rewrites import drop_rewrites, next_rewrites, take_rewrites
from engine.library.write.writer import Writer
from engine.models.catalog import Model, load_models
from engine.protocol.commands import RequestedRow, RowsSource
from engine.service.rewriting import who_writes
from engine.service.server.session_planning import plan_session
from engine.settings import MagicSettings
from tests.engine.caption.captions import JAZZ
from tests.support.libraries import new_session
from tests.support.rows import values

KEY = "k3f9x2"
SOURCE = RowsSource("s.csv")
CHAT = MagicSettings(model="a/chat-model", device="cpu")


@pytest.fixture
def model(tmp_path: Path) -> Model:
    folder = tmp_path / "ideogram"
    folder.mkdir()
    (folder / "model_index.json").write_text("{}")
    return Model(
        label="ideogram", source=folder, base_resolution=1024, pipeline="Ideogram4Pipeline"
    )


def give_enhancer(model: Model) -> None:
    (model.source / "prompt_enhancer_head").mkdir()
    (model.source / "prompt_enhancer_head" / "config.json").write_text("{}")


def test_captions_are_written_by_the_models_own_enhancer_else_by_the_chat_model(
    model: Model,
) -> None:
    assert who_writes(model, MagicSettings(), captions=True) is None
    by_chat = who_writes(model, CHAT, captions=True)
    assert by_chat is not None and by_chat[1] == "caption"
    assert by_chat[0].model == CHAT.model and "JSON" in by_chat[0].instruction
    assert who_writes(model, CHAT, captions=False) == (CHAT, "words")
    give_enhancer(model)
    for magic in (CHAT, MagicSettings()):
        by_itself = who_writes(model, magic, captions=True)
        assert by_itself is not None and by_itself[1] == "enhanced"
        assert by_itself[0].model == str(model.source)


def test_an_enhancer_is_asked_whether_or_not_the_settings_name_a_chat_model(model: Model) -> None:
    models = {**load_models(), "ideogram": model}
    cells = {"prompt": "x"}
    row = RequestedRow(2, cells, {}, values(model="ideogram", prompt="a boat", num_images=2))

    def asked(*, chat: bool) -> list[Rewrite]:
        new = plan_session(
            "s", SOURCE, [row], models, largest=lambda _: 1, taken=(), rewriting=chat
        )
        assert json.loads(new.rows[0].recipes[0].prompt)["high_level_description"] == "a boat"
        return [each for each in new.rows[0].rewrites if each]

    assert asked(chat=False) == []
    one, two = asked(chat=True)
    assert one == two and one.prompt == "Aspect ratio: 3:2\nIdea: a boat"
    give_enhancer(model)
    assert asked(chat=False) == [one, two]


def test_an_answer_becomes_the_final_prompt_with_what_the_columns_say(writer: Writer) -> None:
    frame = json.dumps(
        {"caption": {"style": {}, "palette": ["#AABBCC"], "words": [], "places": {}}}
    )
    question = "Aspect ratio: 1:1\nIdea: a boat"
    new = new_session(KEY, rows=3, images=1)
    asked = [Rewrite("a cat", "{prompt}, flat"), Rewrite(question, frame), Rewrite("no", frame)]
    rows = [replace(row, rewrites=[each]) for row, each in zip(new.rows, asked, strict=True)]
    writer.add_session(replace(new, rows=rows))

    words = next_rewrites(writer)
    assert words is not None
    assert (words.prompts, words.captions, words.model) == (["a cat"], False, "")
    take_rewrites(writer, KEY, {"a cat": "a grey cat."})
    captions = next_rewrites(writer)
    assert captions is not None
    assert (captions.prompts, captions.captions) == ([question, "no"], True)
    assert captions.model == "builtin", "as the images' recipes have it"

    plain = {key: part for key, part in JAZZ.items() if key != "style_description"}
    take_rewrites(writer, KEY, {question: written(plain)})
    first, second, third = (image.recipe.prompt for image in list_images(writer.library, KEY))
    assert first == "a grey cat, flat" and third == "prompt 2"
    made = json.loads(second)
    assert made["compositional_deconstruction"] == JAZZ["compositional_deconstruction"]
    assert made["style_description"]["color_palette"] == ["#AABBCC"]

    take_rewrites(writer, KEY, {"no": ""})
    *_, third = (image.recipe.prompt for image in list_images(writer.library, KEY))
    assert json.loads(third)["high_level_description"] == "no", "no caption: the plain one"
    assert next_rewrites(writer) is None


def test_only_those_that_nobody_can_be_asked_for_are_left_as_they_are(writer: Writer) -> None:
    new = new_session(KEY, rows=2, images=1)
    asked = [Rewrite("a cat", "{prompt}"), Rewrite("q", '{"caption": {}}')]
    rows = [replace(row, rewrites=[each]) for row, each in zip(new.rows, asked, strict=True)]
    writer.add_session(replace(new, rows=rows))
    words = next_rewrites(writer)
    assert words is not None
    drop_rewrites(writer, words)
    left = next_rewrites(writer)
    assert left is not None and left.captions and left.prompts == ["q"]
