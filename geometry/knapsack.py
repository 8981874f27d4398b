"""The best direct sums and tensor products of given packings, in every dimension at once.

A shelf is an unbounded knapsack: value(d) is the largest of value(d - w) + n over the items of w
dimensions and n lines, of value(a) value(b) over d = a b, and of value(d - 1) + 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry.constructions.basis import Basis
from geometry.constructions.simplex import Simplex
from geometry.moves import DirectSum, Tensor, ZeroPad
from geometry.packing import Packing

__all__ = ["Item", "Shelf", "item", "stock"]

# Above it sums of counts may leave float64; Python integers then do all the work.
_LARGEST_FLOAT = 10**300


@dataclass(frozen=True)
class Item:
    """A packing that the knapsack may use, made only when chosen."""

    dim: int
    count: int
    make: Callable[[], Packing]
    moves: int = 0  # of two equal packings the one made by fewer moves is taken


def item(packing: Packing, moves: int = 0) -> Item:
    """The item of a packing at hand."""
    return Item(packing.dim, packing.count, lambda: packing, moves)


@dataclass(frozen=True)
class Shelf:
    """The best direct sums of `items` in every dimension up to a largest one.

    `counts` `[max_dim + 1]` are the numbers of lines; `choices` `[max_dim + 1]` the item taken
    last, -1 for one more dimension with a basis line of its own, or, where entries must be small
    (`flat`), with none.
    """

    items: list[Item]
    counts: list[int]
    choices: list[int]
    flat: bool

    def count(self, dim: int) -> int:
        """The number of lines in R^`dim`."""
        return self.counts[dim]

    def packing(self, dim: int) -> Packing:
        """The packing in R^`dim` with that number of lines, the largest part first."""
        taken: list[Item] = []
        left, spare = dim, 0
        while left > 0:
            if self.choices[left] < 0:
                left, spare = left - 1, spare + 1
            else:
                taken.append(self.items[self.choices[left]])
                left -= taken[-1].dim
        taken.sort(key=lambda one: one.count, reverse=True)
        made = {id(one): one.make() for one in taken}
        parts = [made[id(one)] for one in taken]
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


def stock(items: Iterable[Item], max_dim: int, *, flat: bool = False) -> Shelf:
    """Fill a shelf up to `max_dim`; of two items of one size the simpler or the first stays.

    A `flat` shelf has neither basis lines nor tensor products, which spoil small entries. Only
    items that beat the best sum of smaller ones are kept: the cost is max_dim times their number.
    """
    at_dim: dict[int, Item] = {}
    for one in items:
        rival = at_dim.get(one.dim)
        if one.dim <= max_dim and (rival is None or _merit(one) > _merit(rival)):
            at_dim[one.dim] = one
    shelf = Shelf([], [0] * (max_dim + 1), [-1] * (max_dim + 1), flat)
    sums = _Sums(max_dim, len(at_dim), max((one.count for one in at_dim.values()), default=1))
    divisors = [[]] * (max_dim + 1) if flat else _divisors(max_dim)
    counts = shelf.counts
    parts = [0] * (max_dim + 1)  # items and moves behind each count: of equal counts the simpler
    for dim in range(1, max_dim + 1):
        best, choice, simple = counts[dim - 1] + (0 if flat else 1), -1, parts[dim - 1]
        found = sums.largest(dim, shelf)
        if found is not None and found[0] > best:
            best, choice = found
            last = shelf.items[choice]
            simple = parts[dim - last.dim] + last.moves + 1
        single = at_dim.get(dim)
        factors = max(divisors[dim], key=lambda a: counts[a] * counts[dim // a], default=None)
        if factors is not None:
            product = counts[factors] * counts[dim // factors]
            if product > max(best, single.count if single else 0):
                single = _product(shelf, factors, dim // factors)
        if single is not None and (single.count, -single.moves - 1) > (best, -simple):
            best, choice, simple = single.count, len(shelf.items), single.moves + 1
            shelf.items.append(single)
            sums.keep(single)
        counts[dim], shelf.choices[dim], parts[dim] = best, choice, simple
        sums.record(dim, best)
    return shelf


def _merit(one: Item) -> tuple[int, int]:
    return one.count, -one.moves


def _product(shelf: Shelf, left: int, right: int) -> Item:
    """The tensor product of the best packings of two dimensions."""
    count = shelf.counts[left] * shelf.counts[right]
    return Item(left * right, count, lambda: Tensor(shelf.packing(left), shelf.packing(right)))


def _divisors(max_dim: int) -> list[list[int]]:
    """For every d <= `max_dim` its divisors a with 2 <= a <= sqrt(d)."""
    found: list[list[int]] = [[] for _ in range(max_dim + 1)]
    for low in range(2, math.isqrt(max_dim) + 1):
        for multiple in range(low * low, max_dim + 1, low):
            found[multiple].append(low)
    return found


class _Sums:
    """The largest count of a kept item plus the best of the dimensions it leaves.

    Floats find the items that may be largest, and exact integers decide among them.
    """

    def __init__(self, max_dim: int, items: int, largest: int) -> None:
        wide = largest * (max_dim + 1) > _LARGEST_FLOAT
        self._dtype: Any = object if wide else np.float64
        self._counts: NDArray[Any] = np.zeros(max_dim + 1, self._dtype)
        self._dims = np.zeros(items, np.int64)
        self._gains: NDArray[Any] = np.zeros(items, self._dtype)
        self._used = 0
        self._exact = not wide and largest * (max_dim + 1) < 2**53

    def keep(self, one: Item) -> None:
        if self._used == len(self._dims):
            self._dims = np.concatenate([self._dims, np.zeros(self._used + 16, np.int64)])
            grown = np.zeros(self._used + 16, self._dtype)
            self._gains = np.concatenate([self._gains, grown])
        self._dims[self._used], self._gains[self._used] = one.dim, one.count
        self._used += 1

    def record(self, dim: int, count: int) -> None:
        self._counts[dim] = count

    def largest(self, dim: int, shelf: Shelf) -> tuple[int, int] | None:
        """(count, item) of the best sum in R^`dim`; the first item of several equal ones."""
        if not self._used:
            return None
        totals = self._counts[dim - self._dims[: self._used]] + self._gains[: self._used]
        top = int(totals.argmax())
        if self._exact or self._dtype is object:
            return int(totals[top]), top
        # A sum of two rounded counts is off by at most two units in the last place of the total.
        near = np.flatnonzero(totals >= totals[top] * (1 - 2.0**-50)).tolist()
        exact = [(shelf.counts[dim - shelf.items[i].dim] + shelf.items[i].count, -i) for i in near]
        count, place = max(exact)
        return count, -place
