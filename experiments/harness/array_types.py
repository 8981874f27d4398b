"""How numbers lie in users' files, and as what they are read.

Of the doubled bits of a float, from which the sign has dropped out, only those of NaN and the
infinities reach a limit. So finiteness is looked up in integers, at the speed of memory, also for
the types that NumPy does not know.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SAFETENSORS", "Encoding", "of_dtype"]


@dataclass(frozen=True)
class Encoding:
    """A type of numbers in a file.

    `stored` is how its bits lie there, `dtype` the type of an entry that was read, in the byte
    order of this machine. Doubled bits of `limit` or above are NaN or infinity.
    """

    name: str
    stored: np.dtype[Any]
    dtype: np.dtype[Any]
    limit: int | None = None

    def room(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return where the bits of `values` `[n]` are to be read to: in place, if they fit."""
        if self.stored.itemsize == self.dtype.itemsize:
            return values.view(self.stored)
        return np.empty(values.shape, self.stored)

    def decode(self, raw: NDArray[Any], values: NDArray[Any]) -> bool:
        """Turn the bits that were read to `room(values)` into values; are all finite?"""
        if not self.stored.isnative:
            raw.byteswap(inplace=True)
        bits = raw.view(f"u{self.stored.itemsize}")
        finite = self.limit is None or bits.size == 0 or int((bits + bits).max()) < self.limit
        if self.name == "bfloat16":
            # The upper half of a float32.
            wide = values.view(np.uint32)
            wide[...] = bits
            wide <<= 16
        elif self.stored.itemsize < self.dtype.itemsize:
            np.take(_eight_bits(self.name), bits, out=values, mode="wrap")
        return finite


def of_dtype(dtype: np.dtype[Any]) -> Encoding | None:
    """Return the encoding of NumPy's integers and floats of at most 64 bits; of others, None."""
    native = dtype.newbyteorder("=")
    if dtype.kind in "iu":
        return Encoding(native.name, dtype, native)
    if dtype.kind == "f" and dtype.itemsize <= 8:
        limit = _limit(8 * dtype.itemsize, np.finfo(native).nmant)
        return Encoding(native.name, dtype, native, limit)
    return None


def _limit(width: int, mantissa: int) -> int:
    """The doubled bits of infinity: an exponent of ones only, and no mantissa."""
    return 2 * ((1 << (width - 1)) - (1 << mantissa))


def _named(name: str) -> Encoding:
    found = of_dtype(np.dtype(name))
    assert found is not None
    return found


# The names of the safetensors format.
SAFETENSORS = {
    **{f"F{size}": _named(f"<f{size // 8}") for size in (64, 32, 16)},
    **{f"I{size}": _named(f"<i{size // 8}") for size in (64, 32, 16, 8)},
    **{f"U{size}": _named(f"<u{size // 8}") for size in (64, 32, 16, 8)},
    "BF16": Encoding("bfloat16", np.dtype("<u2"), np.dtype(np.float32), _limit(16, 7)),
    "F8_E5M2": Encoding("float8_e5m2", np.dtype("u1"), np.dtype(np.float16), _limit(8, 2)),
    # It has no infinity: all ones are NaN, the rest are numbers (Micikevicius et al. 2022).
    "F8_E4M3": Encoding("float8_e4m3", np.dtype("u1"), np.dtype(np.float16), 2 * 0x7F),
}


@cache
def _eight_bits(name: str) -> NDArray[np.float16]:
    """Every 8-bit float of a kind, `[256]`, exactly."""
    bits = np.arange(256, dtype=np.uint16)
    if name == "float8_e5m2":
        return (bits << 8).view(np.float16)
    sign, rest = bits & 0x80, bits & 0x7F
    # The exponent's bias is 7 here, and 15 in a float16.
    values = ((sign << 8) | (rest << 7)).view(np.float16) * np.float16(2**8)
    return np.where(rest == 0x7F, np.float16(np.nan), values)
