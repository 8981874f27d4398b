"""The best explicit packing known here for any (dim, eps): a search over families and moves.

Every family lists its members that fit. Nets are first filled: each column block holds the best
*flat* packing (small entries) that this same search finds. A knapsack over the dimensions then
takes the best direct sum, so spare dimensions are filled too, and value(d) is the largest count
for every d up to `dim` at once. Families list no more members than such sums need, so that the
counts come out non-decreasing in dim and in eps; tests hold this over a grid.

    from geometry import catalogue
    catalogue.best(500, "1/20").words()
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import exact
from geometry.constructions import FAMILIES
from geometry.constructions.basis import Basis
from geometry.constructions.net import Net
from geometry.constructions.simplex import Simplex
from geometry.exact import Cosine
from geometry.moves import DirectSum, Subset, ZeroPad
from geometry.packing import Packing, Recipe

__all__ = ["LARGEST_DIM", "Shelf", "best", "build", "families", "shelf"]

LARGEST_DIM = 1 << 16  # the search makes tables with an entry a dimension
_LARGEST_INT64 = 2**62

_KINDS: tuple[type[Packing], ...] = (*FAMILIES, Subset, ZeroPad, DirectSum)
_NAMES: Mapping[str, type[Packing]] = {kind.name: kind for kind in _KINDS}


@dataclass(frozen=True)
class _Item:
    """A packing that the knapsack may use, made only when chosen."""

    dim: int
    count: int
    make: Callable[[], Packing]


@dataclass(frozen=True)
class Shelf:
    """The best direct sums of `items` in every dimension up to a largest one.

    `counts` `[max_dim + 1]` are the numbers of lines, int64 or Python integers; `choices`
    `[max_dim + 1]` the item taken last, -1 for one more dimension with a basis line of its own,
    or, where entries must be small (`flat`), with none.
    """

    items: tuple[_Item, ...]
    counts: NDArray[Any]
    choices: NDArray[np.int64]
    flat: bool

    def count(self, dim: int) -> int:
        """The number of lines in R^`dim`."""
        return int(self.counts[dim])

    def packing(self, dim: int) -> Packing:
        """The packing in R^`dim` with that number of lines, the largest part first."""
        taken: list[_Item] = []
        left, spare = dim, 0
        while left > 0:
            if self.choices[left] < 0:
                left, spare = left - 1, spare + 1
            else:
                taken.append(self.items[self.choices[left]])
                left -= taken[-1].dim
        taken.sort(key=lambda item: item.count, reverse=True)
        made = {id(item): item.make() for item in taken}
        parts = [made[id(item)] for item in taken]
        if spare and not self.flat:
            parts = _with_basis(parts, spare)
            spare = 0
        whole = parts[0] if len(parts) == 1 else DirectSum(tuple(parts))
        return ZeroPad(whole, dim) if spare else whole


def _with_basis(parts: list[Packing], spare: int) -> list[Packing]:
    """The parts and a basis of the spare dimensions, as one larger simplex where there is one.

    A simplex and b basis lines are as many lines as the simplex in b more dimensions, whose
    coherence is smaller.
    """
    for place, part in enumerate(parts):
        if isinstance(part, Simplex):
            return [*parts[:place], Simplex(part.dim + spare), *parts[place + 1 :]]
    return [*parts, Basis(spare)]


def _stock(items: Iterable[_Item], max_dim: int, *, flat: bool = False) -> Shelf:
    """Fill a shelf: an unbounded knapsack, value(d) = max over items of value(d - dim) + count.

    Unless the shelf is `flat`, a dimension to itself holds one basis line. Only items that beat
    the best sum of smaller ones are kept, so the cost is max_dim times the number of those.
    """
    at_dim: dict[int, _Item] = {}
    for item in items:
        rival = at_dim.get(item.dim)
        if item.dim <= max_dim and (rival is None or item.count > rival.count):
            at_dim[item.dim] = item
    largest = max((item.count for item in at_dim.values()), default=1)
    dtype = np.int64 if largest * (max_dim + 1) < _LARGEST_INT64 else object
    counts = np.zeros(max_dim + 1, dtype)
    choices = np.full(max_dim + 1, -1, np.int64)
    kept: list[_Item] = []
    dims = np.zeros(len(at_dim), np.int64)
    gains = np.zeros(len(at_dim), dtype)
    for dim in range(1, max_dim + 1):
        used = len(kept)
        counts[dim] = counts[dim - 1] + (0 if flat else 1)
        if used:
            totals = counts[dim - dims[:used]] + gains[:used]
            choice = int(totals.argmax())
            if totals[choice] > counts[dim]:
                counts[dim], choices[dim] = totals[choice], choice
        single = at_dim.get(dim)
        if single is not None and single.count > counts[dim]:
            counts[dim], choices[dim] = single.count, used
            dims[used], gains[used] = dim, single.count
            kept.append(single)
    return Shelf(tuple(kept), counts, choices, flat)


def _member(packing: Packing) -> _Item:
    return _Item(packing.dim, packing.count, lambda: packing)


def _filled(nets: Iterable[Net], members: Iterable[Packing], eps: Cosine) -> list[_Item]:
    """Nets with every column block filled as well as the `members` and the flat families can.

    A unit vector of a net has entries 1/sqrt(columns), one in each block, so a fill of R^q may
    have coherence <= eps and entries <= eps sqrt(columns): it is flat, unless columns >= 1/eps^2.
    """
    widths: dict[int, list[Net]] = {}
    for net in nets:
        widths.setdefault(net.columns, []).append(net)
    tops = {width: max(net.q for net in group) for width, group in widths.items()}
    # A bound on the entries from below keeps the comparison safe for irrational eps.
    eps_square = eps.square_bounds()[0]
    free = [width for width in widths if eps_square * width >= 1]
    narrow = max((tops[width] for width in widths if width not in free), default=0)
    stock = [(_member(one), one.peak_square) for one in members]
    free_fills = _stock(
        [item for item, _ in stock], max((tops[width] for width in free), default=0)
    )
    flat_members = (one for kind in FAMILIES for one in kind.flat_candidates(narrow, eps))
    stock += [(_member(one), one.peak_square) for one in flat_members]
    stock = [(item, peak) for item, peak in stock if peak < 1]
    items = []
    for width, group in widths.items():
        fills = free_fills
        if eps_square * width < 1:
            top, allowed = tops[width], eps_square * width
            flat = (item for item, peak in stock if item.dim <= top and peak <= allowed)
            fills = _stock(flat, top, flat=True)
        items += [_net_item(net, fills) for net in group]
    return items


def _net_item(net: Net, fills: Shelf) -> _Item:
    extra = fills.count(net.q)

    def make() -> Packing:
        return dataclasses.replace(net, fill=fills.packing(net.q)) if extra else net

    return _Item(net.dim, net.count + net.columns * extra, make)


@lru_cache(maxsize=256)
def shelf(max_dim: int, eps: Cosine) -> Shelf:
    """The best packings with coherence <= `eps` in every dimension up to `max_dim`.

    Raises ValueError when `max_dim` is not an integer in [2, `LARGEST_DIM`].
    """
    _need_dim(max_dim)
    members = [packing for family in FAMILIES for packing in family.candidates(max_dim, eps)]
    nets = [packing for packing in members if isinstance(packing, Net)]
    others = (packing for packing in members if not isinstance(packing, Net))
    return _stock([*map(_member, others), *_filled(nets, members, eps)], max_dim)


def best(dim: int, eps: str | float | Fraction | Cosine) -> Packing:
    """The largest explicit packing of lines in R^`dim` with pairwise |cos| <= `eps` known here.

    `eps` is read as by `exact.eps`. Raises ValueError for a `dim` outside [2, `LARGEST_DIM`] or an
    `eps` outside [0, 1).
    """
    _need_dim(dim)
    return shelf(dim, exact.eps(eps)).packing(dim)


def families(dim: int, eps: Cosine) -> list[Packing]:
    """For each family with a member that fits (dim, eps), its largest one, the largest first.

    Members may use fewer dimensions than `dim`: zero-padding carries them there.
    """
    _need_dim(dim)
    members = [list(family.candidates(dim, eps)) for family in FAMILIES]
    everything = [packing for group in members for packing in group]
    largest: list[Packing] = []
    for group in members:
        nets = [packing for packing in group if isinstance(packing, Net)]
        items = _filled(nets, everything, eps) if nets else [_member(packing) for packing in group]
        top = max(items, key=lambda item: (item.count, -item.dim), default=None)
        if top is not None:
            largest.append(top.make())
    return sorted(largest, key=lambda packing: packing.count, reverse=True)


def build(recipe: Recipe) -> Packing:
    """The packing that a recipe (`Packing.recipe`) describes.

    Raises ValueError when the recipe names no family or has other fields than that family.
    """
    kind = _NAMES.get(str(recipe.get("name")))
    if kind is None:
        raise ValueError(f"recipe `name` must be one of {', '.join(_NAMES)}; got {recipe}.")
    fields: dict[str, Any] = {}
    for name, value in recipe.items():
        if isinstance(value, dict):
            fields[name] = build(value)
        elif isinstance(value, list):
            fields[name] = tuple(build(part) for part in value)
        elif name != "name":
            fields[name] = value
    try:
        return kind(**fields)
    except TypeError as error:
        raise ValueError(f"recipe of {kind.name} has wrong fields; got {recipe}.") from error


def _need_dim(dim: int) -> None:
    if isinstance(dim, bool) or not isinstance(dim, int) or not 2 <= dim <= LARGEST_DIM:
        raise ValueError(f"dim must be an integer in [2, {LARGEST_DIM}]; got {dim!r}.")
