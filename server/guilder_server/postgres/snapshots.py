"""Snapshots: whole objects as JSON, written once and rarely read, kept compressed.

An event's payload and a stored answer repeat the same few hundred field names. Zstandard with
a dictionary trained on such objects keeps them in a fifth of their size, and is quicker than
writing the difference to disk. The first byte names the dictionary, so that a better one can
be trained later (bench/train_dictionary.py) without touching what is stored:
`dictionaries/N.zdict`, never changed once released. Version 0 is plain Zstandard. What is of
another kind has a family of dictionaries of its own, in a folder below.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import zstandard

_FOLDER = Path(__file__).parent / "dictionaries"
_LEVEL = 3  # zstd's own default; higher levels cost twice the time for 3 % on our objects
_LARGEST = 16 * 1024 * 1024  # no snapshot is near it; bounds what a damaged row can ask for


@cache
def current_version(family: str = "") -> int:
    return max((int(path.stem) for path in (_FOLDER / family).glob("*.zdict")), default=0)


@cache
def _dictionary(version: int, family: str) -> zstandard.ZstdCompressionDict | None:
    if version == 0:
        return None
    return zstandard.ZstdCompressionDict((_FOLDER / family / f"{version}.zdict").read_bytes())


@cache
def _compressor(version: int, family: str) -> zstandard.ZstdCompressor:
    dictionary = _dictionary(version, family)
    if dictionary is None:
        return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
    if family:
        # Small, and secured by a digest of its own.
        dictionary.precompute_compress(level=_LEVEL)
        return zstandard.ZstdCompressor(
            dict_data=dictionary, write_content_size=False, write_dict_id=False
        )
    dictionary.precompute_compress(level=_LEVEL)
    # The version byte names the dictionary already; the checksum finds a damaged row.
    return zstandard.ZstdCompressor(dict_data=dictionary, write_checksum=True, write_dict_id=False)


@cache
def _decompressor(version: int, family: str) -> zstandard.ZstdDecompressor:
    return zstandard.ZstdDecompressor(
        dict_data=_dictionary(version, family), max_window_size=_LARGEST
    )


def pack(json: bytes, family: str = "") -> bytes:
    """Compressed `json`, with the version of the dictionary in front."""
    version = current_version(family)
    return bytes((version,)) + _compressor(version, family).compress(json)


def unpack(snapshot: bytes, family: str = "") -> bytes:
    """The JSON that was packed. Raises ValueError for a damaged or unknown snapshot."""
    if not snapshot or not (snapshot[0] == 0 or _known(snapshot[0], family)):
        raise ValueError("snapshot of an unknown dictionary version: upgrade Guilder to read it")
    # Read as a stream: `decompress` believes what the frame says of its own size.
    frame = _decompressor(snapshot[0], family).decompressobj()
    try:
        json = frame.decompress(snapshot[1:])
    except zstandard.ZstdError as error:
        raise ValueError(f"damaged snapshot: {error}") from error
    if not frame.eof or frame.unused_data:
        raise ValueError("damaged snapshot: it does not end where its frame does")
    return json


@cache
def _known(version: int, family: str) -> bool:
    return (_FOLDER / family / f"{version}.zdict").exists()
