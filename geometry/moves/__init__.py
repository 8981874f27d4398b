"""Moves: packings made from packings, with the same or a known coherence.

move          R^d of the result      lines                 file
Subset        d                      any smaller number    sums
ZeroPad       any larger             N                     sums
DirectSum     d1 + d2 + ...          N1 + N2 + ...         sums
WithAxes      d                      N + d                 axes
Puncture      fewer coordinates      N                     puncture
BlowUp        N s - d                N s                   blow_up
Tensor        d1 d2                  N1 N2                 tensor

A blow-up of one copy is the Naimark complement. `leading` looks through moves for the family.
"""

from __future__ import annotations

from geometry.moves.axes import WithAxes
from geometry.moves.blow_up import BlowUp
from geometry.moves.leading import leading
from geometry.moves.puncture import Puncture
from geometry.moves.sums import DirectSum, Subset, ZeroPad
from geometry.moves.tensor import Tensor
from geometry.packing import Packing

__all__ = [
    "MOVES",
    "BlowUp",
    "DirectSum",
    "Puncture",
    "Subset",
    "Tensor",
    "WithAxes",
    "ZeroPad",
    "leading",
]

MOVES: tuple[type[Packing], ...] = (
    Subset,
    ZeroPad,
    DirectSum,
    WithAxes,
    Puncture,
    BlowUp,
    Tensor,
)
