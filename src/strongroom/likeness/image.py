"""Pictures as 64 bits that stay nearly the same when a picture is scaled, compressed again or slightly retouched (a perceptual hash).

The picture in grey, 32 × 32; of its discrete cosine transform the 8 × 8 lowest frequencies but the mean; a bit for each that is above
their median. Known as pHash. It finds candidates; what they are is told by the small picture that is remembered with it (pictures.py).
"""

from __future__ import annotations

import io
import zlib
from functools import cache
from typing import Any, Final

import numpy as np
from PIL import Image

from strongroom.likeness.features import POINTS, ImageFeatures, Nothing

#: A picture of more pixels is not unpacked: some hundred bytes can claim gigabytes.
_MOST_PIXELS: Final = 200_000_000
_SMALLEST: Final = 16  # pixels a side: icons and rules of fewer say nothing
_FLAT: Final = 3.0  # standard deviation of grey values, of 255: below it there is hardly a picture


def look(data: bytes) -> ImageFeatures | Nothing:
    """Its first frame. Raises whatever Pillow raises."""
    Image.MAX_IMAGE_PIXELS = None  # our own limit stands below
    with Image.open(io.BytesIO(data)) as image:
        width, height, form = image.width, image.height, image.format or "image"
        if width * height > _MOST_PIXELS:
            return Nothing(f"a picture of {width} × {height} pixels is too large to unpack")
        if min(width, height) < _SMALLEST:
            return Nothing("")
        image.draft("RGB", (2 * POINTS, 2 * POINTS))  # a JPEG is unpacked no larger than needed
        luma, *colours = _small(image).convert("YCbCr").split()
    pixels = np.asarray(luma.reduce(POINTS // 32), dtype=np.float64)
    if pixels.std() < _FLAT:
        return Nothing("")
    low = (_cosines() @ pixels @ _cosines().T).ravel()[1:]  # without the mean
    bits = np.concatenate(([False], low > np.median(low)))
    thumbnail = zlib.compress(luma.tobytes() + b"".join(colour.reduce(2).tobytes() for colour in colours))
    return ImageFeatures(form, width, height, int.from_bytes(np.packbits(bits).tobytes()), thumbnail)


def _small(image: Any) -> Any:
    """64 × 64, in RGB; what is transparent, on white."""
    mode = "RGBA" if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info else "RGB"
    small = (image if image.mode == mode else image.convert(mode)).resize((POINTS, POINTS), Image.Resampling.BICUBIC)
    return Image.alpha_composite(Image.new("RGBA", small.size, "white"), small).convert("RGB") if mode == "RGBA" else small


@cache
def _cosines() -> Any:
    """The first eight rows of the discrete cosine transform of 32 values."""
    return np.cos(np.pi / 32 * np.outer(np.arange(8), np.arange(32) + 0.5))
