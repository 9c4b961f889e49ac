"""Writes test/fixtures/pictures.json: small picture files with the pixels that Pillow's convert("RGB") gives for them.

python tools/goldens/picture_set.py
"""

import base64
import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

OUT = Path(__file__).parents[2] / "test/fixtures/pictures.json"
rng = np.random.default_rng(20)


def noise(mode: str, size=(11, 7)) -> Image.Image:
    bands = len(Image.new(mode, (1, 1)).getbands())
    shape = (size[1], size[0], bands) if bands > 1 else (size[1], size[0])
    return Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8), mode)


def encode(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width, height, depth, colour, samples, interlaced=False, extra=b"") -> bytes:
    """A PNG written by hand, for what Pillow does not write. `samples` is [height, width, channels]."""

    def rows(part) -> bytes:
        out = b""
        for row in part:
            bits = "".join(format(int(v), f"0{depth}b") for v in row.reshape(-1))
            bits += "0" * (-len(bits) % 8)
            out += b"\0" + bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
        return out

    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    parts = [samples[y::dy, x::dx] for x, y, dx, dy in passes]
    data = zlib.compress(b"".join(rows(part) for part in parts if part.size))
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def samples(depth, channels, size=(11, 7)):
    return rng.integers(0, 2**depth, (size[1], size[0], channels))


def files():
    photo = noise("RGB", (5, 4)).resize((21, 17), Image.BICUBIC)
    clear = Image.merge("RGBA", [*noise("RGB", (21, 17)).split(), noise("L", (21, 17))])
    yield "white_transparent.png", encode(Image.new("RGBA", (3, 2), (255, 255, 255, 0)), "PNG")
    yield "rgba.png", encode(clear, "PNG")
    yield "grey_alpha.png", encode(noise("LA"), "PNG")
    palette = chunk(b"PLTE", bytes(rng.integers(0, 256, 48).astype(np.uint8)))
    yield "palette_transparent.png", png(11, 7, 4, 3, samples(4, 1), extra=palette + chunk(b"tRNS", bytes(range(9))))
    yield "grey_2_interlaced.png", png(11, 7, 2, 0, samples(2, 1), interlaced=True)
    yield "rgb_key.png", png(11, 7, 8, 2, samples(8, 3), extra=chunk(b"tRNS", b"\0\1\0\2\0\3"))
    yield "rgb_16_interlaced.png", png(11, 7, 16, 2, samples(16, 3), interlaced=True)
    yield "rgba_16.png", png(11, 7, 16, 6, samples(16, 4))
    yield "bytes_after_end.png", encode(photo, "PNG") + bytes(9000)
    yield "photo.jpg", encode(photo, "JPEG", quality=80)
    yield "progressive.jpg", encode(photo, "JPEG", quality=80, progressive=True)
    yield "grey.jpg", encode(photo.convert("L"), "JPEG")
    for orientation in range(2, 9):
        exif = Image.Exif()
        exif[0x112] = orientation
        yield f"orientation_{orientation}.jpg", encode(photo, "JPEG", exif=exif)
    yield "photo.webp", encode(photo, "WEBP", quality=80)
    yield "transparent.webp", encode(clear, "WEBP", lossless=True, exact=True)
    coloured = Image.fromarray(rng.integers(0, 4, (7, 11), dtype=np.uint8), "P")
    coloured.putpalette(list(rng.integers(0, 256, 12)))
    yield "transparent.gif", encode(coloured, "GIF", transparency=2)
    yield "rgb.bmp", encode(photo, "BMP")
    yield "palette.bmp", encode(photo.convert("P"), "BMP")
    yield "bits.bmp", encode(photo.convert("1"), "BMP")
    exif = Image.Exif()
    exif[0x112] = 6
    yield "orientation_6.png", encode(photo, "PNG", exif=exif)
    yield "orientation_6.webp", encode(photo, "WEBP", quality=80, exif=exif)
    later = Image.eval(photo, lambda value: 255 - value)
    yield "animated.webp", encode(photo, "WEBP", quality=80, save_all=True, append_images=[later], duration=100)


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def main() -> None:
    out = {}
    for name, data in files():
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
        out[name] = {"width": image.width, "height": image.height, "file": text(data), "rgb": text(image.tobytes())}
    OUT.write_text(json.dumps(out, indent=1) + "\n")


main()
