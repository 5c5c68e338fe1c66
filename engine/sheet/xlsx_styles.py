"""Which of a workbook's own styles suits a mended cell."""

import re
from functools import lru_cache
from xml.etree import ElementTree

from engine.sheet.xml_edits import sound

_TEXT = 49
_NUMBERS = {0, 1, 2, 3, 4}
_NUMBER_CODE = re.compile(r"general|[#0,. ]*", re.IGNORECASE)


class XlsxStyles:
    """The cell styles of a workbook, by their numbers."""

    def __init__(self, xml: bytes) -> None:
        """Args: xml: the part that holds them; empty: there is none."""
        self._like = lru_cache(maxsize=None)(self._alike)
        self._formats: list[int] = []
        self._looks: list[str] = []
        self._codes: dict[int, str] = {}
        for child in ElementTree.fromstring(sound(xml)) if xml else ():
            match child.tag.rpartition("}")[2]:
                case "numFmts":
                    for each in child:
                        number = _whole(each.get("numFmtId"))
                        self._codes[number] = each.get("formatCode", "")
                case "cellXfs":
                    for each in child:
                        self._formats.append(_whole(each.get("numFmtId")))
                        for name in ("numFmtId", "applyNumberFormat"):
                            each.attrib.pop(name, None)
                        self._looks.append(ElementTree.tostring(each, "unicode").strip())

    def for_number(self, style: int) -> int | None:
        """The style for a number; None: no fitting one looks alike.

        A date's format would make a date of a number, and of a text's, text is what is expected.
        """
        return next(filter(self._is_number, (style, *self._like(style))), None)

    def for_text(self, style: int) -> int:
        """The style for text: one that looks alike and keeps what is typed as it is, if any."""
        return next(filter(self._is_text, self._like(style)), style)

    def _alike(self, style: int) -> list[int]:
        """Styles that differ from this one in their format alone."""
        if style >= len(self._looks):
            return []
        return [at for at, look in enumerate(self._looks) if look == self._looks[style]]

    def _is_text(self, style: int) -> bool:
        return self._formats[style] == _TEXT

    def _is_number(self, style: int) -> bool:
        if style >= len(self._formats):
            return True
        number = self._formats[style]
        code = self._codes.get(number, "0" if number in _NUMBERS else "@")
        return bool(_NUMBER_CODE.fullmatch(code))


def _whole(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0
