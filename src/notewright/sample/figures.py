"""Small charts for image highlights, drawn by code: bars or a line, decided by the name."""

from __future__ import annotations

import hashlib
import struct
import zlib

WIDTH, HEIGHT = 300, 150
PALETTE = [(255, 255, 255), (218, 222, 228), (72, 84, 104), (196, 96, 60)]  # paper, grid, ink, accent


def draw_figure(name: str) -> bytes:
    """A small chart for an image highlight: bars or a line, decided by the name."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    grid = [[0] * WIDTH for _ in range(HEIGHT)]

    def box(left: int, top: int, right: int, bottom: int, colour: int) -> None:
        for y in range(max(top, 0), min(bottom, HEIGHT)):
            for x in range(max(left, 0), min(right, WIDTH)):
                grid[y][x] = colour

    for y in range(20, 130, 22):
        box(24, y, 288, y + 1, 1)
    count = 6 + seed % 4
    values = []
    for _ in range(count):
        seed = (seed * 6364136223846793005 + 1442695040888963407) % 2**64
        values.append(14 + (seed >> 33) % 88)
    step = 256 // count
    if name[0] < "m":
        top = max(values)
        for place, value in enumerate(values):
            left = 30 + place * step
            box(left, 130 - value, left + step - 8, 130, 3 if value == top else 2)
    else:
        values.sort(reverse=seed % 2 == 0)
        points = [(36 + place * step, 130 - value) for place, value in enumerate(values)]
        for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
            for x in range(x0, x1 + 1):
                y = y0 + (y1 - y0) * (x - x0) // (x1 - x0)
                box(x, y, x + 2, y + 2, 2)
        for x, y in points:
            box(x - 2, y - 2, x + 4, y + 4, 3)
    box(24, 12, 25, 131, 2)
    box(24, 130, 290, 131, 2)
    return encode_png(grid)


def encode_png(grid: list[list[int]]) -> bytes:
    """Four colours, two bits each. Rows are stored as the change from the row above, so they are mostly zeros."""
    raw = bytearray()
    above = bytes((WIDTH + 3) // 4)
    for row in grid:
        packed = bytearray()
        for start in range(0, WIDTH, 4):
            cells = row[start : start + 4]
            packed.append(sum(cell << 6 - 2 * place for place, cell in enumerate(cells)))
        raw.append(2)
        raw += bytes((new - old) % 256 for new, old in zip(packed, above, strict=True))
        above = bytes(packed)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 2, 3, 0, 0, 0))
        + chunk(b"PLTE", bytes(value for colour in PALETTE for value in colour))
        + chunk(b"IDAT", zlib.compress(bytes(raw), 9))
        + chunk(b"IEND", b"")
    )
