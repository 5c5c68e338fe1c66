"""PDF files of one picture a page, written as a stream; the same input gives the same bytes."""

from collections.abc import Sequence
from typing import IO

_POINTS = 72
"""An inch."""


class PdfPages:
    """Takes pages one after the other, and holds none of them."""

    def __init__(self, out: IO[bytes], dpi: int) -> None:
        """Args: out: need not seek. dpi: pixels of a page's picture to an inch of paper."""
        self._out = out
        self._dpi = dpi
        self._at = 0
        self._places: dict[int, int] = {}
        self._pages: list[int] = []
        self._write(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")

    def page(self, jpeg: bytes, width: int, height: int) -> None:
        """Add a page.

        Args:
            jpeg: its picture, an RGB JPEG file.
            width: pixels.
            height: pixels.
        """
        first = 3 + 3 * len(self._pages)
        size = f"{width * _POINTS / self._dpi:.2f} {height * _POINTS / self._dpi:.2f}"
        drawn = f"q {size.replace(' ', ' 0 0 ')} 0 0 cm /P Do Q".encode()
        picture = (
            f"/Type /XObject /Subtype /Image /Width {width} /Height {height}"
            " /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode"
        )
        self._stream(first, picture, jpeg)
        self._stream(first + 1, "", drawn)
        self._object(
            first + 2,
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {size}]"
            f" /Resources << /XObject << /P {first} 0 R >> >> /Contents {first + 1} 0 R >>",
        )
        self._pages.append(first + 2)

    def close(self) -> None:
        """Write what is missing; the file is whole then."""
        self._object(1, "<< /Type /Catalog /Pages 2 0 R >>")
        self._object(
            2, f"<< /Type /Pages /Count {len(self._pages)} /Kids [{_refs(self._pages)}] >>"
        )
        at, count = self._at, len(self._places) + 1
        lines = "".join(f"{self._places[number]:010d} 00000 n \n" for number in range(1, count))
        self._write(f"xref\n0 {count}\n0000000000 65535 f \n{lines}".encode())
        self._write(f"trailer << /Size {count} /Root 1 0 R >>\nstartxref\n{at}\n%%EOF\n".encode())

    def _object(self, number: int, body: str) -> None:
        self._places[number] = self._at
        self._write(f"{number} 0 obj\n{body}\nendobj\n".encode())

    def _stream(self, number: int, about: str, data: bytes) -> None:
        self._places[number] = self._at
        self._write(f"{number} 0 obj\n<< {about} /Length {len(data)} >>\nstream\n".encode())
        self._write(data)
        self._write(b"\nendstream\nendobj\n")

    def _write(self, data: bytes) -> None:
        self._out.write(data)
        self._at += len(data)


def _refs(numbers: Sequence[int]) -> str:
    return " ".join(f"{number} 0 R" for number in numbers)
