"""Memory in large pages: a fork copies the table of all pages there are, most of what it costs."""

import ctypes
from pathlib import Path

_SIZE = 2 << 20
_MADV_COLLAPSE = 25  # since Linux 6.1


def put_in_large_pages() -> None:
    """Put what this process holds into large pages, as far as the system can: else all stays."""
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for line in Path("/proc/self/maps").read_text().splitlines():
        between, rights, _, _, inode, *name = line.split(maxsplit=5)
        if "w" in rights and inode == "0" and name in ([], ["[heap]"]):
            first, end = (int(each, 16) for each in between.split("-"))
            for place in range(-(-first // _SIZE) * _SIZE, end - _SIZE + 1, _SIZE):
                advise(place, _SIZE, _MADV_COLLAPSE)
