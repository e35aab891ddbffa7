"""How bytes of JSON are kept: the two functions that main.py hands in."""

from collections.abc import Callable
from typing import TypeAlias

Pack: TypeAlias = Callable[[bytes], bytes]
Unpack: TypeAlias = Callable[[bytes], bytes]
