"""The best explicit packing known here for any (dim, eps): a search over families and moves.

Every family lists its members that fit. Moves make more: the axes beside a flat packing,
punctured packings of larger dimensions, blow-ups of tight frames, and Reed-Solomon packings and
nets whose columns hold the best *flat* packing (small entries) that this same search finds. A
knapsack over the dimensions then takes the best direct sum or tensor product, so spare dimensions
are filled too, and value(d) is the largest count for every d up to `dim` at once. Families list no
more members than such sums need, so that the counts come out non-decreasing in dim and in eps;
tests hold this over a grid.

    from geometry import catalogue
    catalogue.best(500, "1/20").words()
    catalogue.least_coherent(500, 13000).coherence
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import exact, knapsack
from geometry.bounds.relative import welch_coherence
from geometry.constructions import families
from geometry.constructions.extended_nets import ExtendedNet
from geometry.constructions.reed_solomon import ReedSolomon
from geometry.exact import Cosine
from geometry.knapsack import Item, Shelf
from geometry.moves import MOVES, BlowUp, Puncture, Subset, WithAxes
from geometry.moves.axes import peak_allows
from geometry.moves.blow_up import LARGEST_FRAME, copies_needed
from geometry.moves.puncture import most_dropped
from geometry.packing import Packing, Recipe

__all__ = ["LARGEST_DIM", "best", "build", "largest_of_each", "least_coherent", "shelf"]

LARGEST_DIM = 1 << 16  # the search makes tables with an entry a dimension
_LARGEST_FLAT = 1024  # flat members with the axes add a few lines: not worth the time beyond
_NARROWER = 1 - Fraction(1, 10**9)  # one step down in coherence


def _made_from(member: Packing, eps: Cosine) -> Iterator[Item]:
    """The member itself, and with the axes where its entries allow them."""
    moves = 1 if isinstance(member, Puncture) else 0
    yield knapsack.item(member, moves)
    if not isinstance(member, ReedSolomon | ExtendedNet):
        yield from _with_axes(member, eps, moves)


def _with_axes(member: Packing, eps: Cosine, moves: int) -> Iterator[Item]:
    if peak_allows(member.peak_square, eps):
        yield Item(member.dim, member.count + member.dim, lambda: WithAxes(member), moves + 1)


def _punctured(
    family: type[Packing], max_dim: int, eps: Cosine, frontier: NDArray[np.float64]
) -> Iterator[Packing]:
    """Members of this and of larger dimensions, less as many coordinates as `eps` allows.

    `frontier` `[max_dim + 1]` holds the logarithms of the counts that members without any move
    have in so many dimensions or fewer: what does not rise above it is left out.
    """
    if family.blocks is Packing.blocks:
        return
    allowed = float(eps)
    for first in family.candidates(math.floor(max_dim * (1 + allowed)) + 1, eps):
        base: Packing | None = first
        while base is not None:
            # No more than the share eps/(1 + eps) of the blocks can go.
            least, lines = math.floor(base.dim / (1 + allowed)), math.log(base.count + base.dim)
            blocks = base.blocks
            if blocks is None or least > max_dim or lines <= frontier[least]:
                break
            # In floats, one block too many at most; the few that pass are counted exactly.
            roughly = blocks * (allowed - float(base.coherence)) / (1 + allowed)
            least = base.dim // blocks * (blocks - math.floor(roughly + 1))
            if roughly >= 0.5 and least <= max_dim and lines > frontier[max(least, 0)]:
                dropped = most_dropped(base, eps)
                if dropped >= 1 and base.dim // blocks * (blocks - dropped) <= max_dim:
                    yield Puncture(base, dropped)
            base = base.sparser()


def _frontier(groups: Iterable[Iterable[Item]], max_dim: int) -> NDArray[np.float64]:
    """The logarithm of the largest count in d dimensions or fewer, for d up to `max_dim`."""
    logs = np.log(np.maximum(np.arange(max_dim + 1), 1.0))  # a basis
    for group in groups:
        for one in group:
            logs[one.dim] = max(logs[one.dim], math.log(one.count))
    return np.maximum.accumulate(logs)


@lru_cache(maxsize=1)
def _tight_frames() -> tuple[tuple[Packing, ...], NDArray[np.float64]]:
    """The tight frames that blow-ups start from, and their sizes `[n, 3]`: d, N, coherence."""
    frames = tuple(
        frame
        for family in families()
        for frame in family.tight_frames(LARGEST_FRAME)
        if frame.dim < frame.count
    )
    sizes = [(frame.dim, frame.count, float(frame.coherence)) for frame in frames]
    return frames, np.array(sizes, np.float64).reshape(-1, 3)


def _blow_ups(max_dim: int, eps: Cosine) -> Iterator[Item]:
    """Tight frames blown up as little as `eps` asks for, where that fits `max_dim`.

    More copies are no better: they cost as many dimensions as they add lines. Nor is a blow-up
    that adds no more lines to the dimensions than one in fewer dimensions.
    """
    allowed = float(eps)
    if allowed == 0:
        return
    frames, sizes = _tight_frames()
    dims, lines, mu = sizes.T
    copies = np.ceil(mu * (1 + allowed) / (allowed * (lines / dims - 1 + mu)) - 1e-9)
    total = np.maximum(copies, 1) * lines - dims
    # By dimension, and of equal ones that with most lines to spare, the frame's own dimension.
    order = np.lexsort((-dims, total))
    order = order[total[order] <= max_dim]
    most = 0.0
    for place in order:
        if dims[place] <= most:
            continue
        frame = frames[place]
        needed = copies_needed(frame, eps)
        if needed is not None and needed * frame.count - frame.dim <= max_dim:
            most = dims[place]
            count = needed * frame.count
            yield Item(count - frame.dim, count, partial(BlowUp, frame, needed), 1)


def _with_more_signs(rows: Iterable[Packing], max_dim: int, eps: Cosine) -> Iterator[ReedSolomon]:
    """Reed-Solomon packings on whose graphs the largest sets of sign `rows` lie.

    Inner products of sign rows are integers, so those with coherence <= eps have none above the
    floor of eps k, the largest degree that k columns allow.
    """
    largest: dict[int, Packing] = {}
    for one in rows:
        if one.dim**2 <= 2 * max_dim and one.count > largest.get(one.dim, one).count - 1:
            largest[one.dim] = one
    for one in largest.values():
        if one.count > 2 * one.dim:  # Hadamard rows are fewer than that
            yield from ReedSolomon.with_signs(one, max_dim, eps)


def _filled(
    nets: Iterable[ReedSolomon | ExtendedNet], stocked: Iterable[tuple[Item, Fraction]], eps: Cosine
) -> list[Item]:
    """Nets and Reed-Solomon packings with every column filled as well as what is `stocked` can.

    A unit row has entries 1/sqrt(columns), one in each block, so a fill of R^q may have coherence
    <= eps and entries <= eps sqrt(columns): it is flat, unless columns >= 1/eps^2. `stocked` are
    items with the largest squared entry of their rows.
    """
    widths: dict[int, list[ReedSolomon | ExtendedNet]] = {}
    for net in nets:
        widths.setdefault(net.columns, []).append(net)
    tops = {width: max(net.q for net in group) for width, group in widths.items()}
    # A bound on the entries from below keeps the comparison safe for irrational eps.
    eps_square = eps.square_bounds()[0]
    free = [width for width in widths if eps_square * width >= 1]
    narrow = max((tops[width] for width in widths if width not in free), default=0)
    stock = list(stocked)
    free_fills = knapsack.stock(
        (one for one, _ in stock), max((tops[width] for width in free), default=0)
    )
    flat_members = (one for kind in families() for one in kind.flat_candidates(narrow, eps))
    stock += [(knapsack.item(one), one.peak_square) for one in flat_members]
    stock = [(one, peak) for one, peak in stock if peak < 1]
    items = []
    for width, group in widths.items():
        fills = free_fills
        if eps_square * width < 1:
            top, allowed = tops[width], eps_square * width
            flat = (one for one, peak in stock if one.dim <= top and peak <= allowed)
            fills = knapsack.stock(flat, top, flat=True)
        items += [_net_item(net, fills) for net in group]
    return items


def _net_item(net: ReedSolomon | ExtendedNet, fills: Shelf) -> Item:
    extra = fills.count(net.q)

    def make() -> Packing:
        return dataclasses.replace(net, fill=fills.packing(net.q)) if extra else net

    return Item(net.dim, net.count + net.columns * extra, make)


def _items(max_dim: int, eps: Cosine) -> dict[str, list[Item]]:
    """Everything that fits, by family, and the blow-ups by themselves."""
    members = {family: list(family.candidates(max_dim, eps)) for family in families()}
    groups = {
        family.name: [one for member in found for one in _made_from(member, eps)]
        for family, found in members.items()
    }
    if peak_allows(Fraction(1, min(max_dim, _LARGEST_FLAT)), eps):
        for family in families():
            flat = family.flat_candidates(min(max_dim, _LARGEST_FLAT), eps)
            groups[family.name] += [one for member in flat for one in _with_axes(member, eps, 0)]
    frontier = _frontier(groups.values(), max_dim)
    for family, found in members.items():
        punctured = list(_punctured(family, max_dim, eps, frontier))
        groups[family.name] += [one for member in punctured for one in _made_from(member, eps)]
        found += punctured
    groups[BlowUp.name] = list(_blow_ups(max_dim, eps))
    nets = [one for one in members[ReedSolomon] if isinstance(one, ReedSolomon)]
    rows = (one for found in members.values() for one in found if one.blocks == one.dim)
    nets += _with_more_signs(rows, max_dim, eps)
    widest = max((net.q for net in nets), default=0)
    small = [one for found in members.values() for one in found if one.dim <= widest]
    stocked = [(knapsack.item(one), one.peak_square) for one in small]
    groups[ReedSolomon.name] = _filled(nets, stocked, eps)
    extended = [one for one in members[ExtendedNet] if isinstance(one, ExtendedNet)]
    groups[ExtendedNet.name] = _filled(extended, stocked, eps)
    return groups


@lru_cache(maxsize=256)
def shelf(max_dim: int, eps: Cosine) -> Shelf:
    """The best packings with coherence <= `eps` in every dimension up to `max_dim`.

    Raises ValueError when `max_dim` is not an integer in [2, `LARGEST_DIM`].
    """
    _need_dim(max_dim)
    groups = _items(max_dim, eps).values()
    return knapsack.stock((one for group in groups for one in group), max_dim)


def best(dim: int, eps: str | float | Fraction | Cosine) -> Packing:
    """The largest explicit packing of lines in R^`dim` with pairwise |cos| <= `eps` known here.

    `eps` is read as by `exact.eps`. Raises ValueError for a `dim` outside [2, `LARGEST_DIM`] or an
    `eps` outside [0, 1).
    """
    _need_dim(dim)
    return shelf(dim, exact.eps(eps)).packing(dim)


def largest_of_each(dim: int, eps: Cosine) -> list[Packing]:
    """For each family, and for blow-ups, the largest packing that fits (dim, eps).

    The largest first. They may use fewer dimensions than `dim`: zero-padding carries them there.
    Raises ValueError as `best`.
    """
    _need_dim(dim)
    tops = [
        max(group, key=lambda one: (one.count, -one.dim))
        for group in _items(dim, eps).values()
        if group
    ]
    return [one.make() for one in sorted(tops, key=lambda one: one.count, reverse=True)]


def least_coherent(dim: int, count: int) -> Packing:
    """The `count` lines in R^`dim` of the lowest coherence known here.

    `best` serves `count` lines at the result's coherence, and fewer at a relative 1e-9 below it.
    About 15 searches. Raises ValueError for a `dim` outside [2, `LARGEST_DIM`], a `count` below 1,
    or one that no packing reaches up to |cos| = 1 - 2^-256.
    """
    _need_dim(dim)
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"count must be an integer >= 1; got {count!r}.")
    low, found = _first_serving(dim, count)
    while True:
        below = found.coherence.bounds()[0] * _NARROWER
        if below <= low:
            break
        # Halving narrows the range to 2%; then single steps down to the next packings end it.
        halving = below > low * Fraction(51, 50)
        middle = _geometric_mean(low, below) if halving else below
        better = best(dim, Cosine.ratio(middle))
        if better.count >= count:
            found = better
        else:
            low = middle
    return found if found.count == count else Subset(found, count)


def _first_serving(dim: int, count: int) -> tuple[Fraction, Packing]:
    """A coherence below which there are no `count` lines, and a packing that has them."""
    low = welch_coherence(dim, count).bounds()[0]
    steps = [low * Fraction(5, 4) ** k for k in range(100)]
    steps = [step for step in steps if 0 < step < Fraction(7, 8)]
    for eps in [Fraction(0), *steps, *(1 - Fraction(1, 1 << k) for k in range(3, 257))]:
        packing = best(dim, Cosine.ratio(eps))
        if packing.count >= count:
            return low, packing
        low = max(low, eps)
    raise ValueError(f"count must be within reach of a packing in R^{dim}; got {count}.")


def _geometric_mean(a: Fraction, b: Fraction) -> Fraction:
    """A rational near sqrt(a b), a > 0."""
    return min(max(Cosine(a * b).bounds()[0], a), b)


def build(recipe: Recipe) -> Packing:
    """The packing that a recipe (`Packing.recipe`) describes.

    Raises ValueError when the recipe names no family or has other fields than that family.
    """
    kinds: Mapping[str, type[Packing]] = {kind.name: kind for kind in (*families(), *MOVES)}
    kind = kinds.get(str(recipe.get("name")))
    if kind is None:
        raise ValueError(f"recipe `name` must be one of {', '.join(kinds)}; got {recipe}.")
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
