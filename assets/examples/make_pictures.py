"""Draw the example pictures for image to image: `promptsheet images assets/examples/pictures …`.

Run as ``python assets/examples/make_pictures.py``. Few colours and plain shapes, which the built-in
model knows; one is transparent, one turned by its note, one in a folder of its own.
"""

from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

FOLDER = Path(__file__).resolve().parent / "pictures"
SIZE = (384, 256)


def drawn(ground: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """An empty picture and what draws on it, at four times the size: edges are smooth then."""
    picture = Image.new("RGBA", (SIZE[0] * 4, SIZE[1] * 4), ground)
    return picture, ImageDraw.Draw(picture)


def save(picture: Image.Image, name: str, **how: Any) -> None:
    """Write a picture at its size, in the format that its name says."""
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    small = picture.resize((picture.width // 4, picture.height // 4), Image.Resampling.LANCZOS)
    small.convert("RGB" if path.suffix == ".jpg" else small.mode).save(path, **how)


def main() -> None:
    """Draw all of them."""
    boat, pen = drawn("#9fd3f0")
    pen.rectangle((0, 640, 1536, 1024), fill="#2b6ca3")
    pen.polygon([(420, 640), (1120, 640), (1000, 780), (540, 780)], fill="#8a4b2a")
    pen.polygon([(760, 180), (760, 600), (1060, 600)], fill="#fdfdf5")
    pen.polygon([(720, 260), (720, 600), (500, 600)], fill="#e9573f")
    pen.ellipse((1240, 80, 1420, 260), fill="#ffd24a")
    save(boat, "boat.png")

    house, pen = drawn("#bfe3b4")
    pen.rectangle((480, 460, 1060, 860), fill="#f0e0c0")
    pen.polygon([(420, 460), (1120, 460), (770, 200)], fill="#b23a2e")
    pen.rectangle((700, 620, 840, 860), fill="#5b3a24")
    pen.rectangle((540, 540, 660, 660), fill="#6fb4e0")
    pen.rectangle((880, 540, 1000, 660), fill="#6fb4e0")
    save(house, "house.jpg", quality=90)

    cup, pen = drawn("#00000000")
    pen.ellipse((900, 420, 1180, 700), outline="#2f855a", width=60)
    pen.rounded_rectangle((480, 320, 1000, 840), radius=90, fill="#38a169")
    pen.ellipse((480, 270, 1000, 380), fill="#22543d")
    save(cup, "cup-transparent.png")

    tower, pen = drawn("#f6c89f")
    pen.polygon([(660, 1024), (880, 1024), (820, 260), (720, 260)], fill="#fdfdfd")
    for top in (400, 600, 800):
        pen.rectangle((640, top, 900, top + 80), fill="#d53f3f")
    pen.rectangle((700, 170, 840, 260), fill="#ffd24a")
    exif = Image.Exif()
    exif[0x0112] = 6  # a camera held upright: to be turned by a quarter
    save(tower.rotate(90, expand=True), "lighthouse.jpg", quality=90, exif=exif)

    star, pen = drawn("#1b1f4b")
    points = [(768, 160), (850, 420), (1120, 420), (900, 580), (990, 850)]
    points += [(768, 690), (546, 850), (636, 580), (416, 420), (686, 420)]
    pen.polygon(points, fill="#ffd24a")
    save(star, "sky/star.webp", lossless=True)


if __name__ == "__main__":
    main()
