"""Steiner systems S(2, k, v): blocks of k of v points, any two points in exactly one block.

Each point lies in r = (v - 1)/(k - 1) of the b = vr/k blocks. Equiangular frames over them need a
Hadamard matrix of order r + 1, so only those with r = 3 mod 4 are wanted:

pairs         k = 2, every v
triples       k = 3, v = 1 or 3 mod 6 (Bose 1939; Skolem 1958)
projective    the lines of PG(n, q), k = q + 1; wanted for q = 1 mod 4 and n = 3 mod 4
translates    of a few blocks, by the group of a field GF(v), or of GF(q) x GF(k): the difference
              families of Bose 1939 and Wilson 1972, whose starter blocks the tables below hold
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from geometry.constructions.field import field, prime_power, prime_powers

__all__ = ["blocks", "exists", "holds", "sizes", "through"]

Blocks = NDArray[np.int64]

# (points, block size): (e, starters). The block is the union of the cosets of the e-th roots of
# unity in GF(points) through the starters, e odd. Its differences lie one in each class of
# logarithms mod n = k(k - 1)/(2e), so its multiples by the powers of generator^n cover GF(points).
_CYCLOTOMIC: dict[tuple[int, int], tuple[int, tuple[int, ...]]] = {
    (61, 5): (5, (1,)),
    (541, 5): (1, (0, 1, 3, 7, 210)),
    (701, 5): (5, (1,)),
    (1021, 5): (1, (0, 1, 5, 21, 851)),
    (379, 7): (1, (0, 1, 3, 24, 74, 167, 245)),
    (883, 7): (7, (1,)),
    (1051, 7): (3, (0, 1, 96)),
    (1657, 9): (3, (1, 11, 198)),
}

# (q, k): a_1, a_2, ... in GF(q). The block is (0, 0) and (+-a_j, x_j), x_j the squares of GF(k)*;
# for each d in GF(k) the differences (., d) lie in each class of logarithms mod (k - 1)/2 alike.
_PRODUCTS: dict[tuple[int, int], tuple[int, ...]] = {
    (9, 5): (1, 3),
    (25, 5): (1, 5),
    (41, 5): (1, 6),
    (89, 5): (1, 6),
    (121, 5): (1, 12),
    (169, 5): (1, 13),
    (13, 7): (1, 3, 4),
    (61, 7): (1, 5, 19),
    (109, 7): (1, 21, 24),
    (181, 7): (1, 10, 18),
    (49, 9): (1, 7, 17, 26),
    (241, 9): (1, 2, 73, 84),
    (121, 13): (1, 23, 19, 12, 14, 49),
}


def _is_triple(points: int) -> bool:
    return points % 6 in (1, 3) and points >= 3


def _projective_dim(points: int, q: int) -> int | None:
    """n >= 2 with (q^(n + 1) - 1)/(q - 1) = `points`, or None."""
    total, n = 1 + q, 1
    while total < points:
        total, n = q * total + 1, n + 1
    return n if total == points and n >= 2 else None


def exists(points: int, block: int) -> bool:
    """Whether `blocks(points, block)` makes a system."""
    if block == 2:
        return points >= 2
    if block == 3:
        return _is_triple(points)
    if (points, block) in _CYCLOTOMIC or (points % block == 0 and _in_products(points, block)):
        return True
    return (
        block > 3
        and prime_power(block - 1) is not None
        and _projective_dim(points, block - 1) is not None
    )


def _in_products(points: int, block: int) -> bool:
    return (points // block, block) in _PRODUCTS


@lru_cache(maxsize=8)
def sizes(most_blocks: int) -> tuple[tuple[int, int], ...]:
    """The (points, block size) with r = 3 mod 4 and at most that many blocks, in no order."""

    def listed() -> Iterator[tuple[int, int]]:
        for points in range(4, most_blocks + 2, 4):
            if points * (points - 1) // 2 > most_blocks:
                break
            yield points, 2
        for points in range(7, most_blocks + 1, 8):
            if points * (points - 1) // 6 > most_blocks:
                break
            if _is_triple(points):
                yield points, 3
        # PG(3, q) has more than q^4 lines.
        for q in prime_powers(int(most_blocks**0.25) + 1):
            points = q**3 + q**2 + q + 1
            while q % 4 == 1 and points * (points - 1) // (q * (q + 1)) <= most_blocks:
                yield points, q + 1
                points = q**4 * points + q**3 + q**2 + q + 1  # of PG(n + 4, q)
        yield from _CYCLOTOMIC
        yield from ((q * block, block) for q, block in _PRODUCTS)

    return tuple(
        (points, block)
        for points, block in listed()
        if points * (points - 1) <= most_blocks * block * (block - 1)
    )


def _pairs(points: int) -> Blocks:
    return np.stack(np.triu_indices(points, 1), axis=1)


def _bose(points: int) -> Blocks:
    """v = 6m + 3: points (x, i) of Z_(2m+1) x Z_3, numbered x + (2m + 1)i."""
    order = points // 3
    x, y = _pairs(order).T
    half = (x + y) * (order + 1) // 2 % order
    level = order * np.arange(3)[:, None]
    columns = (np.arange(order) + level).T
    mixed = np.stack([x + level, y + level, half + (level + order) % points], axis=-1)
    return np.concatenate([columns, mixed.reshape(-1, 3)])


def _skolem(points: int) -> Blocks:
    """v = 6m + 1: (x, i) of Z_2m x Z_3, numbered x + 2m i, and one point more, the last.

    x o y is (x + y mod 2m)/2, and for an odd sum 2j + 1 the number m + j.
    """
    half = points // 6
    order = 2 * half
    x, y = _pairs(order).T
    total = (x + y) % order
    image = total // 2 + half * (total % 2)
    level = order * np.arange(3)[:, None]
    beyond = (level + order) % (3 * order)
    first = np.arange(half)
    columns = (first + level).T
    last = np.full((3, half), points - 1)
    special = np.stack([last, first + half + level, first + beyond], axis=-1)
    mixed = np.stack([x + level, y + level, image + beyond], axis=-1)
    return np.concatenate([columns, special.reshape(-1, 3), mixed.reshape(-1, 3)])


def _projective(n: int, q: int) -> Blocks:
    """The lines of PG(n, q), its points those of AG(n, q), then those at infinity likewise.

    The point at infinity numbered j is the direction of the lines whose last point it is. A
    direction is a vector whose last non-zero coordinate is 1: in the order of AG(n - 1, q), of
    AG(n - 2, q) one coordinate shorter, and so on.
    """
    if n == 1:
        return np.arange(q + 1)[None, :]
    gf = field(q)
    codes = np.arange(q**n)
    places = q ** np.arange(n)
    found, at_infinity = [], q**n
    for pivot in range(n - 1, -1, -1):
        # Coordinates before the pivot are free, the pivot is 1, those after it 0.
        directions = np.arange(q**pivot)[:, None] // places % q
        directions[:, pivot] = 1
        bases = codes[codes // places[pivot] % q == 0][:, None] // places % q
        steps = gf.multiply(gf.elements[:, None], directions[:, None, :])
        lines = gf.add(bases[None, :, None, :], steps[:, None]) @ places
        ends = at_infinity + np.arange(len(directions))
        ends = np.broadcast_to(ends[:, None, None], (*lines.shape[:2], 1))
        found.append(np.concatenate([lines, ends], axis=-1).reshape(-1, q + 1))
        at_infinity += len(directions)
    return np.concatenate([*found, _projective(n - 1, q) + q**n])


def _cyclotomic(points: int, block: int) -> Blocks:
    gf = field(points)
    roots, starters = _CYCLOTOMIC[points, block]
    cosets = gf.multiply(np.array(starters)[:, None], gf.exp[: points - 1 : (points - 1) // roots])
    base = np.unique(cosets)
    classes = block * (block - 1) // (2 * roots)
    scales = gf.exp[: (points - 1) // (2 * roots) : classes]
    scaled = gf.multiply(scales[:, None], base)
    return gf.add(scaled[:, None, :], gf.elements[:, None]).reshape(-1, block)


def _product(points: int, block: int) -> Blocks:
    """Translates in GF(q) x GF(k), (x, i) numbered x + qi, and the k points (x, .) for each x."""
    q = points // block
    gf, levels = field(q), field(block)
    half = np.array(_PRODUCTS[q, block])
    base = np.concatenate([[0], half, gf.negate(half)])
    squares = levels.exp[: block - 1 : 2]
    heights = np.concatenate([[0], squares, squares])
    scales = gf.exp[: (q - 1) // 2 : (block - 1) // 2]
    scaled = gf.multiply(scales[:, None], base)
    across = gf.add(scaled[:, None, None, :], gf.elements[:, None, None])
    up = levels.add(levels.elements[:, None], heights)
    mixed = (across + q * up).reshape(-1, block)
    return np.concatenate([mixed, gf.elements[:, None] + q * levels.elements])


@lru_cache(maxsize=4)
def blocks(points: int, block: int) -> Blocks:
    """The blocks, `[b, block]`, points numbered from 0; read-only. O(b block).

    Raises ValueError when no construction here gives a system of this size.
    """
    if not exists(points, block):
        raise ValueError(
            f"(`points`, `block`) must be the size of a Steiner system listed in "
            f"`steiner_systems`; got ({points}, {block})."
        )
    if block == 2:
        made = _pairs(points)
    elif block == 3:
        made = _bose(points) if points % 6 == 3 else _skolem(points)
    elif (points, block) in _CYCLOTOMIC:
        made = _cyclotomic(points, block)
    elif points % block == 0 and _in_products(points, block):
        made = _product(points, block)
    else:
        made = _projective(_projective_dim(points, block - 1) or 1, block - 1)
    made.setflags(write=False)
    return made


@lru_cache(maxsize=4)
def through(points: int, block: int) -> tuple[Blocks, Blocks]:
    """The blocks on each point, `[points, r]`, and where two points meet, `[points, points]`.

    The block that p and p' share is the (j - 1)-th of the blocks on p, j the second table's entry;
    0 on its diagonal. O(b block^2).
    """
    listed = blocks(points, block)
    on = (np.argsort(listed.ravel(), kind="stable") // block).reshape(points, -1)
    meeting = np.zeros((points, points), np.int64)
    places = np.arange(1, on.shape[1] + 1)[:, None]
    meeting[np.arange(points)[:, None, None], listed[on]] = places
    np.fill_diagonal(meeting, 0)
    on.setflags(write=False)
    meeting.setflags(write=False)
    return on, meeting


def holds(points: int, block: int) -> bool:
    """Whether any two points lie in exactly one block, counted. O(b block^2).

    With points^2 - points pairs in all blocks together and every pair in one, none is in two.
    """
    _, meeting = through(points, block)
    pairs = points * (points - 1)
    inside = len(blocks(points, block)) * block * (block - 1)
    return pairs == inside == int(np.count_nonzero(meeting))
