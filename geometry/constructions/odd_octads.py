"""Octads with odd signs: lines at 60 degrees in R^19, R^20 and R^21, more than any lattice has.

A section of the Leech lattice on n coordinates has (+-1^2) on all pairs and (+-1^8) on the octads
there, with an even number of minus signs. With an odd number instead, their inner products stay
as small, and a sign vector of a word of the Golay code, which meets every octad evenly, has inner
products of at most 6 with them: room for the words that are far enough from each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar, Self

import numpy as np

from geometry.constructions.golay import golay_code, octads, signed_octads
from geometry.constructions.root_systems import RootSystemD
from geometry.exact import Cosine
from geometry.packing import Indices, Packing, Rows

__all__ = ["OddOctads"]

_HALF = Cosine(Fraction(1, 4))
# Which of the first 2048 words of the Golay code are taken, a bit each: an independent set in the
# graph of words at distances below n/4 or above 3n/4 on the last n coordinates, found by a local
# search. In R^20 it is a largest one: five words from each of the graph's 128 components, which
# are Clebsch graphs.
_CHOSEN = {
    19: (
        "00c11292000811408202018c2400800115084b038000218002424004202c004880b160164808e204020a00"
        "0754112188940b48020020202434008200894130281b0049020111020062212018a20c414090c101200180"
        "24000808004702008400092a0c04241500a016000980444418880020404002860c18025508190300362408"
        "21041002101411008404180424008206200300010c8d4148c2402040c000024000a0a10040028202000040"
        "01040a28020008020041280429000104118010100803114c20280200e501400220122181b8129024220014"
        "1020000212081c044e404814000c0182080000004818480004004680a640110228011042004181158c"
    ),
    20: (
        "5c09438100491022660003a200c03000a4c60c20081182ac86f500a4140302408640db40c60f3b288814c8"
        "52065618c0801e05a27fd860d644402006a10840ab0086a88d32b088904808e06568c1b8184082aa008608"
        "0046a94998459ea007284005405002820d42b1a280ff1c838f80648a2809e924a202f688a000305028a201"
        "88a5770047851802422d6861448104653250003010614b0181b168bc0801416a004048402d436c00212178"
        "12a1502d0a8d0960515c428353460a01480d16c39c489860429cd5349414a3364f807282000a6800d90343"
        "1cd0d713104003c2e404001782a40eb800248a69934415114056d0101305101036020862e191000000"
    ),
    21: (
        "06c0a50024104a1a800ab88188241150411421e2e4180049890a50051980003a0088500800980501008502"
        "3010429204340100108a8001100c2000015144080200d2ac2024d14208082f300508254a40063005406400"
        "2a8a1004d0a41aa25014a5084000023825400221020850460804a402005502100458510400c28020102700"
        "9a3600808f440010d9840009d08322284842102801e0158010290a954009605005010804080a8182401810"
        "0224b0005000808b411010910c0201610004016842225c81422470884040a90a256089202a2042857a0500"
        "15d214004a851208e4100142280091628001500444000aa44258000006030106803402016084024140"
    ),
}
_COUNTS = {19: 5730, 20: 9340, 21: 14340}


@lru_cache(maxsize=3)
def _lines(dimension: int) -> Rows:
    """All rows: pairs, octads, words."""
    first = 24 - dimension
    pairs = RootSystemD(dimension).rows(np.arange(dimension * (dimension - 1))).values
    kept = octads()[(octads() >= first).all(axis=1)] - first
    eights = signed_octads(kept, dimension, 1)
    chosen = np.unpackbits(np.frombuffer(bytes.fromhex(_CHOSEN[dimension]), np.uint8))
    words = 1 - 2 * golay_code()[np.flatnonzero(chosen), first:]
    rows = Rows.integral(np.concatenate([pairs, eights, words]))
    rows.values.setflags(write=False)
    return rows


@dataclass(frozen=True)
class OddOctads(Packing):
    """Pairs, octads with odd signs, and words of the Golay code on `dimension` coordinates."""

    dimension: int

    name: ClassVar[str] = "odd octads"
    reference: ClassVar[str] = "Cohn and Li 2024"

    def __post_init__(self) -> None:
        """Raise ValueError unless `dimension` is 19, 20 or 21."""
        if self.dimension not in _COUNTS:
            raise ValueError(f"`dimension` must be 19, 20 or 21; got {self.dimension}.")

    @property
    def dim(self) -> int:
        """`dimension`."""
        return self.dimension

    @property
    def count(self) -> int:
        """5730, 9340 or 14340."""
        return _COUNTS[self.dimension]

    @property
    def coherence(self) -> Cosine:
        """1/2."""
        return _HALF

    @property
    def peak_square(self) -> Fraction:
        """1/2, of the pairs."""
        return Fraction(1, 2)

    @property
    def proof(self) -> str:
        """Inner products by shape."""
        return (
            "Pairs and octads meet others in inner products of at most half their squared norms 2 "
            "and 8; a sign vector meets them in at most 2 and 6, below half of sqrt(2n) and "
            "sqrt(8n) for n >= 19, and the others in n - 2d for words at distance d, with "
            "n/4 <= d <= 3n/4 for those chosen (after Cohn and Li 2024)."
        )

    def words(self) -> str:
        """The recipe in words."""
        return (
            f"{self.count} lines in R^{self.dimension}: pairs of coordinates, octads of the Golay "
            "code with an odd number of minus signs, and some of its words as sign vectors"
        )

    def rows(self, indices: Indices) -> Rows:
        """Integral: squared norm 2, then 8, then `dimension`."""
        every = _lines(self.dimension)
        return Rows(every.values[indices], every.squared_norms[indices])

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Those that fit."""
        if eps >= _HALF:
            yield from (cls(dimension) for dimension in range(19, min(max_dim, 21) + 1))

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """All three."""
        return cls(19), cls(20), cls(21)
