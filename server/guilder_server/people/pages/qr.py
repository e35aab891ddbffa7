"""A QR code, as an element of a page."""

from __future__ import annotations

from html import escape

import segno

# Of the picture for each module of the code: some 200 pixels in all.
_SCALE = 4


def qr_image(text: str, said: str) -> str:
    """`text` in black on white, whatever colours the page has; `said` is for who does not see it.
    Attributes alone draw it, so that the page allows no style but its own."""
    drawn = segno.make(text, error="m", micro=False).svg_inline(
        scale=_SCALE, light="#fff", svgclass=None, lineclass=None
    )
    return f'<div class="qr" role="img" aria-label="{escape(said)}">{drawn}</div>\n'
