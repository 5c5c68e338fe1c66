"""Names of image files that sort like the sheet and tell what they are."""

import re
import unicodedata

_SLUG_CHARS = 40


def slug_of(text: str) -> str:
    """Up to 40 plain letters, digits and dashes of `text`, for file names; may be empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)
    return slug[:_SLUG_CHARS].strip("-")


def image_name(row: int, variation: int, prompt: str, width: int = 4) -> str:
    """`0004-02-a-lighthouse-by-night`: row and variation, then the prompt; no two are alike.

    Args:
        row: its number.
        variation: from 1.
        prompt: the final one.
        width: digits of the row number.
    """
    parts = (f"{row:0{width}d}", f"{variation:02d}", slug_of(prompt))
    return "-".join(part for part in parts if part)
