"""The picture that an authenticator photographs is of the address that it is meant to have."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import segno

from guilder_server.people.infra.codes import TotpCodes
from guilder_server.people.pages.qr import qr_image

BORDER = 4  # light modules around a code, without which a camera does not find it
_STROKE = re.compile(r"([Mm])(-?[\d.]+) (-?[\d.]+)|h(\d+)")


def drawn(image: str) -> list[list[int]]:
    """The modules of a picture, as its strokes draw them."""
    svg = ET.fromstring(re.sub(r"^<div[^>]*>|</div>\s*$", "", image))
    side = int(svg.attrib["width"]) // 4
    modules = [[0] * side for _ in range(side)]
    dark = next(one for one in svg.iter("path") if one.get("stroke") == "#000")
    x = y = 0.0
    for kind, right, down, length in _STROKE.findall(dark.attrib["d"]):
        if length:
            for column in range(int(x), int(x) + int(length)):
                modules[int(y)][column] = 1
            x += int(length)
        else:
            x, y = (
                (float(right), float(down)) if kind == "M" else (x + float(right), y + float(down))
            )
    return modules


def test_the_picture_has_the_modules_of_the_address() -> None:
    codes = TotpCodes()
    uri = codes.uri(codes.new_secret(), "ada+test@example.com")
    assert uri.startswith("otpauth://totp/Guilder:ada%2Btest%40example.com?secret=")
    modules = drawn(qr_image(uri, "said"))
    inner = [row[BORDER:-BORDER] for row in modules[BORDER:-BORDER]]
    assert inner == [list(row) for row in segno.make(uri, error="m", micro=False).matrix]
    assert not any(any(row) for row in (*modules[:BORDER], *modules[-BORDER:]))
    assert not any(any(row[:BORDER]) or any(row[-BORDER:]) for row in modules)
    other = drawn(qr_image(codes.uri(codes.new_secret(), "ada+test@example.com"), "said"))
    assert other != modules


def test_the_picture_needs_nothing_that_a_page_forbids_and_says_what_it_is() -> None:
    image = qr_image("a text", 'a "QR" code')
    assert 'role="img" aria-label="a &quot;QR&quot; code"' in image
    for forbidden in ("style", "href", "data:", "<script", "<image", "on"):
        assert forbidden not in image.partition(">")[2], forbidden


def test_the_longest_email_fits() -> None:
    assert "<path" in qr_image(TotpCodes().uri("A" * 32, "ü" * 242 + "@example.com"), "said")
