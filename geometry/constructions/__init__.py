"""Families of explicit packings, one file each; every class is a `Packing`.

family              d            lines          coherence            file
polygon             2            N              cos(180/N degrees)   polygon
basis               d            d              0                    basis
simplex             d            d + 1          1/d                  simplex
Hadamard, basis     n            2n             1/sqrt(n)            hadamard
Hadamard columns    n - c        n              c/(n - c), flat      hadamard
conference frame    (q + 1)/2    q + 1          1/sqrt(q)            conference
conference rows     q            q + 1          1/(q - 1), flat      conference
root systems D      n            n(n - 1)       1/2                  root_systems
root systems E      6, 7, 8      36, 63, 120    1/2                  root_systems
Kerdock             d = 4^k      d(d/2 + 1)     1/sqrt(d)            kerdock
Gold                d = 2^m      d^2 + d        sqrt(2/d), m odd     gold
net                 qk           q^2 k          1/k                  net

n is the order of a Hadamard matrix, q a prime power, k the number of a net's columns: an order
n, or n - 1 with q^2 n lines. Flat means entries of (nearly) equal size: such packings fill the
columns of nets. Beside the families: `field` (finite fields), `binary` (Walsh transforms and
sign rows), `admissible` (the sizes that eps allows), `fillings` (checks of a net's filling).
"""

from __future__ import annotations

from geometry.constructions.basis import Basis
from geometry.constructions.conference import ConferenceFrame, ConferenceRows
from geometry.constructions.gold import Gold
from geometry.constructions.hadamard import HadamardColumns, HadamardWithBasis
from geometry.constructions.kerdock import Kerdock
from geometry.constructions.net import Net
from geometry.constructions.polygon import Polygon
from geometry.constructions.root_systems import RootSystemD, RootSystemE
from geometry.constructions.simplex import Simplex
from geometry.packing import Packing

__all__ = [
    "FAMILIES",
    "Basis",
    "ConferenceFrame",
    "ConferenceRows",
    "Gold",
    "HadamardColumns",
    "HadamardWithBasis",
    "Kerdock",
    "Net",
    "Polygon",
    "RootSystemD",
    "RootSystemE",
    "Simplex",
]

FAMILIES: tuple[type[Packing], ...] = (
    Polygon,
    Basis,
    Simplex,
    HadamardWithBasis,
    HadamardColumns,
    ConferenceFrame,
    ConferenceRows,
    RootSystemD,
    RootSystemE,
    Kerdock,
    Gold,
    Net,
)
