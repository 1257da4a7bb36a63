"""Read one picture file of any kind into a square of uint8, and say what was done to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from course_utils.core.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

MOST_PIXELS = 2**27  # 134 million, which is 400 MB in memory; the largest telephone cameras make 200 million
GREY = (0.299, 0.587, 0.114)  # of red, green and blue, ITU-R 601, as Pillow weighs them
TWELVE_BITS = 4095  # the brightest of many cameras and scanners that store 16
ORIENTATION = 0x0112  # in EXIF: 2 to 4 are upright, mirrored or upside down, 5 to 8 on their side


@dataclass(frozen=True)
class Picture:
    """One picture as it was read: pixels uint8, 3 × size × size; width and height of the file, upright; what was
    changed, in words."""

    pixels: np.ndarray
    width: int
    height: int
    notes: tuple[str, ...]


def formats() -> list[str]:
    """List the formats that are read: all of Pillow's but EPS, a program that an interpreter would have to run."""
    from PIL import Image

    Image.init()
    return sorted(set(Image.OPEN) - {"EPS"})


def read(path: str, size: int, formats: list[str]) -> Picture:
    """Read a picture file: upright as its EXIF says, 8 bits, RGB, the first frame, brought to size × size by `square`.

    Transparent pixels become white. Raises DataError with the reason, which does not name the file, where it is no
    whole picture, has more than MOST_PIXELS pixels, or holds floating-point numbers, whose range nobody knows.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(path, formats=formats) as picture:
            if picture.width * picture.height > MOST_PIXELS:  # a small file may unpack to gigabytes
                raise DataError(f"too large: {picture.width:,} × {picture.height:,} pixels, {MOST_PIXELS:,} at most")
            notes = _notes(picture)
            width, height = picture.size
            if picture.getexif().get(ORIENTATION, 1) in range(5, 9):  # on its side
                width, height = height, width
            picture.draft(None, (2 * size, 2 * size))  # a JPEG may be decoded smaller, in a quarter of the time
            return Picture(square(rgb(ImageOps.exif_transpose(picture)), size), width, height, notes)
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError("not a picture in a format that Pillow reads") from None
    except FileNotFoundError:
        raise DataError("no such file") from None
    except PermissionError:
        raise DataError("no permission to read it (chmod -R u+rX)") from None
    except Image.DecompressionBombError:
        raise DataError(f"too large: {MOST_PIXELS:,} pixels at most") from None
    except Exception as error:  # of damaged files, Pillow's readers raise nearly anything
        raise DataError(f"not a whole picture ({str(error) or type(error).__name__})") from None


def _notes(picture: Image.Image) -> tuple[str, ...]:
    """Say what will be changed to make this RGB, 8 bits and upright; loads 16 bits, to see how bright they are."""
    notes = []
    if picture.mode == "F":
        raise DataError("floating-point pixels; save it with 8 or 16 bits")
    if picture.mode.startswith("I"):
        low, high = picture.getextrema()
        if low < 0 or high > 65535:
            raise DataError(f"pixels from {low:,} to {high:,}; save it with 8 or 16 bits")
        notes.append("16 bits made 8")
        if high <= TWELVE_BITS:
            notes.append(f"nearly black, 16 bits of which at most {TWELVE_BITS:,} is used (stretch them before)")
    if picture.has_transparency_data:
        notes.append("transparency laid on white")
    if picture.mode == "P":
        notes.append("palette made colours")
    elif picture.mode not in ("1", "L", "LA", "RGB", "RGBA") and not picture.mode.startswith("I"):
        notes.append(f"{picture.mode} made RGB")
    if getattr(picture, "is_animated", False):
        notes.append("first of several frames taken")
    if picture.getexif().get(ORIENTATION, 1) in range(2, 9):
        notes.append("turned as its EXIF says")
    return tuple(notes)


def rgb(picture: Image.Image) -> Image.Image:
    """Make a picture of any mode RGB: 16 bits become 8, and what is transparent white."""
    from PIL import Image

    if picture.mode.startswith("I"):  # 16 bits
        picture = Image.fromarray((np.asarray(picture) // 257).clip(0, 255).astype(np.uint8))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return picture.convert("RGB")


def square(picture: Image.Image, size: int) -> np.ndarray:
    """Bring an RGB picture to size × size: uint8, 3 × size × size, all of it visible, its aspect kept.

    The longer side becomes `size`, smoothed where it gets smaller; the shorter one is filled up, equally on both sides,
    with the median colour of the picture's border, so that a plain background goes on. Nothing is cut off: what a
    centre crop drops may be what the class shows in.
    """
    from PIL import Image

    scale = size / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=3)
    pixels = np.asarray(picture)
    if width != height:
        border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        whole = np.empty((size, size, 3), np.uint8)
        whole[:] = np.median(border, 0)
        top, left = (size - height) // 2, (size - width) // 2
        whole[top : top + height, left : left + width] = pixels
        pixels = whole
    return pixels.transpose(2, 0, 1)


def greyed(pixels: Tensor) -> Tensor:
    """Make pictures grey, as bright as an eye sees them: uint8, N × C × H × W → N × 1 × H × W."""
    if pixels.shape[1] == 1:
        return pixels
    weights = torch.tensor(GREY).reshape(1, 3, 1, 1)
    return torch.cat([(part * weights).sum(1, keepdim=True).round().to(torch.uint8) for part in pixels.split(1024)])
