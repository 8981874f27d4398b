"""The binary Golay code of length 24, its octads, a sextet, and permutations that keep it.

Coordinates 0 .. 22 are the integers mod 23, coordinate 23 is infinity.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["automorphisms", "golay_code", "octads", "sextet", "signed_octads"]

_PRIME = 23
_LENGTH = 24


@lru_cache(maxsize=1)
def golay_code() -> NDArray[np.int8]:
    """The 4096 words, `[4096, 24]`, entries 0 and 1; word w and its complement are w, 4095 - w.

    The quadratic residue code mod 23 with a parity bit: spanned by the shifts of {0} and the
    squares, which are even, and the word of ones (Conway and Sloane 1988, chapter 3).
    """
    squares = np.zeros(_LENGTH, np.int64)
    squares[np.arange(_PRIME) ** 2 % _PRIME] = 1
    shifts = [np.append(np.roll(squares[:_PRIME], step), 0) for step in range(11)]
    basis = np.array([*shifts, np.ones(_LENGTH, np.int64)])
    # The word of ones is the last generator: bit 11 of the message.
    low = np.arange(2048)[:, None] >> np.arange(11) & 1
    half = low @ basis[:11] % 2
    words = np.concatenate([half, 1 - half[::-1]]).astype(np.int8)
    words.setflags(write=False)
    return words


@lru_cache(maxsize=1)
def octads() -> NDArray[np.int64]:
    """The supports of the 759 words of weight 8, `[759, 8]`, each ascending."""
    code = golay_code()
    supports: NDArray[np.int64] = np.nonzero(code[code.sum(axis=1) == 8])[1].reshape(-1, 8)
    supports.setflags(write=False)
    return supports


def signed_octads(chosen: NDArray[np.int64], dim: int, minus: int) -> NDArray[np.int8]:
    """Signs on octads, `chosen` `[b, 8]` places of `dim`: `[64 b, dim]`, zeros elsewhere.

    The first sign is +, and the number of minus signs is even or odd as `minus`, 0 or 1.
    """
    bits = np.arange(64)[:, None] >> np.arange(6) & 1
    last = (bits.sum(axis=1)[:, None] + minus) % 2
    signs = 1 - 2 * np.concatenate([np.zeros_like(last), bits, last], axis=1)
    eights = np.zeros((len(chosen), 64, dim), np.int8)
    on_octad = np.broadcast_to(chosen[:, None], (len(chosen), 64, 8))
    np.put_along_axis(eights, on_octad, signs.astype(np.int8)[None], axis=2)
    return eights.reshape(-1, dim)


@lru_cache(maxsize=1)
def sextet() -> NDArray[np.int64]:
    """Six disjoint tetrads, `[6, 4]`, any two of which make an octad; the first is 0, 1, 2, 3."""
    first = np.arange(4)
    whole = octads()[np.isin(octads(), first).sum(axis=1) == 4]
    tetrads = np.concatenate([first[None], whole[~np.isin(whole, first)].reshape(5, 4)])
    tetrads.setflags(write=False)
    return tetrads


@lru_cache(maxsize=1)
def automorphisms() -> NDArray[np.int64]:
    """Permutations of the coordinates that keep the code, `[3, 24]`: entry i goes to image[i].

    x -> x + 1, x -> 2x and x -> -1/x on the projective line; they generate PSL(2, 23), which is
    2-transitive on it.
    """
    points = np.arange(_PRIME)
    infinity = _PRIME
    inverse = np.array([pow(int(x), -1, _PRIME) for x in points[1:]])
    images = np.array(
        [
            np.append((points + 1) % _PRIME, infinity),
            np.append(2 * points % _PRIME, infinity),
            np.concatenate([[infinity], -inverse % _PRIME, [0]]),
        ]
    )
    images.setflags(write=False)
    return images
