"""The marks by which kitty's placeholder cells say which row and column of a picture they show.

https://sw.kovidgoyal.net/kitty/graphics-protocol/#unicode-placeholders
"""

from functools import cache

_RANGES = (
    "0305 030d-030e 0310 0312 033d-033f 0346 034a-034c 0350-0352 0357 035b 0363-036f 0483-0487"
    " 0592-0595 0597-0599 059c-05a1 05a8-05a9 05ab-05ac 05af 05c4 0610-0617 0657-065b 065d-065e"
    " 06d6-06dc 06df-06e2 06e4 06e7-06e8 06eb-06ec 0730 0732-0733 0735-0736 073a 073d 073f-0741"
    " 0743 0745 0747 0749-074a 07eb-07f1 07f3 0816-0819 081b-0823 0825-0827 0829-082d 0951"
    " 0953-0954 0f82-0f83 0f86-0f87 135d-135f 17dd 193a 1a17 1a75-1a7c 1b6b 1b6d-1b73 1cd0-1cd2"
    " 1cda-1cdb 1ce0 1dc0-1dc1 1dc3-1dc9 1dcb-1dcc 1dd1-1de6 1dfe 20d0-20d1 20d4-20d7 20db-20dc"
    " 20e1 20e7 20e9 20f0 2cef-2cf1 2de0-2dff a66f a67c-a67d a6f0-a6f1 a8e0-a8f1 aab0 aab2-aab3"
    " aab7-aab8 aabe-aabf aac1 fe20-fe26 10a0f 10a38 1d185-1d189 1d1aa-1d1ad 1d242-1d244"
)
"""Combining characters of class 230 without a decomposition, as of Unicode 6.0, in hexadecimal."""


@cache
def diacritics() -> str:
    """The mark of row or column 0, of 1, and so on: 297."""
    marks: list[int] = []
    for part in _RANGES.split():
        first, _, last = part.partition("-")
        marks += range(int(first, 16), int(last or first, 16) + 1)
    return "".join(map(chr, marks))
