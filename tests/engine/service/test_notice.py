"""Whether the end of a session is told to someone who may be looking."""

import pytest

from engine.service.server.notice import reason_to_send
from engine.settings import NoticeSettings


@pytest.mark.parametrize(
    ("seen", "sent", "quietly", "words"),
    [
        ([], True, True, "no app is connected"),
        ([True], False, False, "a terminal with the app has the focus"),
        ([False, True, None], False, False, "a terminal with the app has the focus"),
        ([False], True, True, "no terminal with the app has the focus"),
        ([False, False], True, True, "no terminal with the app has the focus"),
        ([None], True, False, "notice.unsure"),
        ([False, None], True, False, "notice.unsure"),
    ],
)
def test_the_focus_decides_where_a_terminal_tells_and_a_setting_elsewhere(
    seen: list[bool | None], sent: bool, quietly: bool, words: str
) -> None:
    send, why = reason_to_send(NoticeSettings(), seen)
    assert send is sent and words in why
    assert reason_to_send(NoticeSettings(unsure="quiet"), seen)[0] is quietly
