"""`promptsheet help`: what is read where, and what a misspelt topic is told."""

import json

import pytest

from tui.cli import main
from tui.commands import guide


def asked(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    monkeypatch.setattr("sys.argv", ["promptsheet", "help", *words])
    assert main() == 0
    return capsys.readouterr().out


@pytest.mark.usefixtures("config")
def test_help_lists_the_pages_and_reads_one_as_plain_text_into_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = asked(capsys, monkeypatch)
    for name, title in guide.topics().items():
        assert f"  {name} " in listed and title in listed
    read = asked(capsys, monkeypatch, "Image", "to", "image")
    assert "Image to image" in read and "\x1b" not in read
    assert max(map(len, read.split("\n"))) <= 80
    assert "`strength` says how much" in read, "code can be told without colours, too"
    assert "`promptsheet help models`" in read, "a link says how to read where it leads"
    monkeypatch.setattr(
        "sys.argv", ["promptsheet", "completion", "bash", "--line", "promptsheet help same"]
    )
    assert main() == 0 and "same-image" in capsys.readouterr().out
    told = json.loads(asked(capsys, monkeypatch, "models", "--json"))
    assert told["title"] == "Models" and told["text"] == guide.page("models")


@pytest.mark.usefixtures("config")
def test_a_misspelt_topic_is_asked_back_and_a_command_explains_itself(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["promptsheet", "help", "upscael"])
    assert main() == 2
    assert "Did you mean upscale?" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["promptsheet", "help", "verify"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0 and "promptsheet verify" in capsys.readouterr().out


def test_every_page_begins_with_its_title_and_is_wrapped_as_wide_as_it_is_asked() -> None:
    for name, title in guide.topics().items():
        assert guide.page(name).startswith(f"# {title}\n\n"), name
        for width in (60,) if name != "models" else (60, 100):
            assert max(map(len, guide.formatted(guide.page(name), width).split("\n"))) <= width
    assert "24 prompts" not in guide.formatted(guide.page("models"), 80), "a picture is not told"
    assert "\x1b[" in guide.formatted("# A title\n\n`code`", 80, styled=True)


def test_a_long_page_goes_to_the_pager_that_the_user_has(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PAGER", "sed s/long/paged/")
    assert guide._paged("a long page\n")
    assert capfd.readouterr().out == "a paged page\n"
    monkeypatch.setenv("PAGER", "no-such-pager-anywhere")
    assert not guide._paged("a long page\n")
