"""The closest pairs against all pairs in float64, by every way through the kernels."""

import logging
import threading
from dataclasses import dataclass, field
from typing import Any

import jax
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from geometry import closest, panels, rounding, rows
from geometry.closest import Closest
from geometry.constructions.kerdock import Kerdock

COUNT, DIM = 60, 24
KINDS = (np.int8, np.float16, ml_dtypes.bfloat16, np.float32, np.float64)
# Few shapes: blocks of 8 leave tiles to pass over, 64 holds all rows.
BLOCKS = (8, 24, 64)
# Both sum 24 products in float64, in some order.
TOLERANCE = 2 * (DIM + 8) * 2.0**-52


def _rows(seed: int, kind: Any = np.float32, count: int = COUNT) -> NDArray[Any]:
    drawn = np.random.default_rng(seed).standard_normal((count, DIM))
    return np.rint(drawn * 20).astype(kind) if kind is np.int8 else drawn.astype(kind)


def _cosines(vectors: NDArray[Any]) -> NDArray[np.float64]:
    """|cos| of all pairs i < j, -1 elsewhere."""
    wide = np.asarray(vectors, np.float64)
    cosine = np.abs(wide @ wide.T) / np.sqrt(np.outer(*2 * [(wide**2).sum(axis=1)]))
    return np.where(np.triu(np.ones_like(cosine), 1) > 0, np.minimum(cosine, 1), -1)


def _expected(vectors: NDArray[Any], count: int) -> list[tuple[float, int, int]]:
    cosine = _cosines(vectors)
    pairs = [(-cosine[i, j], i, j) for i, j in zip(*np.triu_indices(len(cosine), 1), strict=True)]
    return [(-value, int(i), int(j)) for value, i, j in sorted(pairs)[:count]]


def _indices(found: Closest) -> list[tuple[int, int]]:
    return list(zip(found.first.tolist(), found.second.tolist(), strict=True))


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    block=st.sampled_from(BLOCKS),
    screen=st.sampled_from(("bfloat16", "float32")),
    places=st.lists(st.integers(0, COUNT - 1), min_size=2, max_size=2, unique=True),
    sign=st.sampled_from((1, -1)),
    seed=st.integers(0, 2**16),
)
def test_a_planted_near_duplicate_is_found(
    kind: Any, block: int, screen: str, places: list[int], sign: int, seed: int
) -> None:
    vectors = _rows(seed, kind)
    one, two = sorted(places)
    vectors[two] = sign * vectors[one]
    vectors[two, seed % DIM] += 1
    found = closest.pairs(vectors, block=block, screen=screen)
    assert _indices(found) == [(one, two)]
    np.testing.assert_allclose(found.cosine, _cosines(vectors).max(), rtol=0, atol=TOLERANCE)
    following = np.sort(_cosines(vectors), axis=None)[-2]
    assert following - TOLERANCE <= found.unseen < found.cosine[0]


@pytest.mark.parametrize("spread", [1e-1, 1e-3, 1e-5])
@pytest.mark.parametrize("block", BLOCKS)
def test_rows_that_nearly_tie(spread: float, block: int) -> None:
    # Rows about one direction. At 1e-3 their cosines differ by less than bfloat16 rounds away, and
    # at 1e-5 by less than float32 does: no screen may be trusted, and what is undecided is said.
    vectors = 1 + spread * _rows(3, np.float64)
    largest = _cosines(vectors).max()
    for screen in ("bfloat16", "float32"):
        found = closest.pairs(vectors, block=block, screen=screen)
        ((one, two),) = _indices(found)
        assert abs(found.cosine[0] - _cosines(vectors)[one, two]) < TOLERANCE
        assert largest <= max(found.cosine[0], found.unseen) + TOLERANCE
        # Six tiles are few enough to decide all in float64.
        if spread > 1e-2 or block >= 24:
            assert abs(found.cosine[0] - largest) < TOLERANCE
            assert found.unseen <= found.cosine[0]
        elif spread > 1e-4:
            # Ties hide the best pair only within twice the bound.
            assert largest - found.cosine[0] <= 2 * rounding.float32_bound(DIM)


@pytest.mark.parametrize("screen", ["bfloat16", "float32"])
@pytest.mark.parametrize("count", [1, 20, 10**5])
def test_many_pairs_in_order(count: int, screen: str) -> None:
    vectors = _rows(4)
    *expected, following = [*_expected(vectors, count + 1), (-1.0, 0, 0)][: count + 1]
    found = closest.pairs(vectors, count, block=8, screen=screen)
    assert _indices(found) == [(i, j) for _, i, j in expected]
    np.testing.assert_allclose(found.cosine, [v for v, *_ in expected], rtol=0, atol=TOLERANCE)
    assert following[0] - TOLERANCE <= found.unseen <= found.cosine[-1]


def test_equals_come_by_their_indices() -> None:
    # Rows of sixteen signs: |cos| is a multiple of 1/8, exactly, and nearly all pairs tie.
    vectors = np.random.default_rng(5).choice(np.array([-1, 1], np.int8), (40, 16))
    for block in (8, 40):
        found = closest.pairs(vectors, 12, block=block)
        assert list(zip(found.cosine, *zip(*_indices(found), strict=True), strict=True)) == (
            _expected(vectors, 12)
        )


@pytest.mark.parametrize("screen", ["bfloat16", "float32"])
def test_flat_spectra_are_bracketed(screen: str) -> None:
    # 144 lines in 16 dimensions, all at 0 or 1/4: every tile ties, and 171 tiles are not visited.
    vectors = Kerdock(4).rows(np.arange(144)).unit().astype(np.float32)
    np.random.default_rng(6).shuffle(vectors)
    found = closest.pairs(vectors, block=8, screen=screen)
    assert abs(found.cosine[0] - 0.25) < TOLERANCE
    assert 0 < found.unseen - 0.25 <= 2 * rounding.float32_bound(16)


@dataclass
class Crew:
    """Processes as threads, which meet at a barrier."""

    index: int
    count: int
    barrier: threading.Barrier
    table: list[Any] = field(default_factory=list)

    def gather(self, values: NDArray[Any]) -> NDArray[Any]:
        self.table[self.index] = np.asarray(values).copy()
        self.barrier.wait(60)
        every = np.stack(self.table)
        self.barrier.wait(60)
        return every


def _by_crew(count: int, body: Any) -> list[Any]:
    barrier, table = threading.Barrier(count), [None] * count
    found: list[Any] = [None] * count

    def work(index: int) -> None:
        found[index] = body(Crew(index, count, barrier, table))

    threads = [threading.Thread(target=work, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.parametrize("vectors", [_rows(7), np.sign(_rows(8))], ids=["random", "ties"])
def test_the_same_on_any_devices_memory_and_crew(vectors: NDArray[Any]) -> None:
    plain = closest.pairs(vectors, 5, block=8, screen="float32", devices=jax.devices()[:1])
    for screen in ("bfloat16", "float32"):
        choices: tuple[dict[str, Any], ...] = (
            {"devices": jax.devices()[:1]},
            {"devices": jax.devices()[:4]},
            # Panels of one, and of three blocks, the last one partly full.
            {"memory": 1, "devices": jax.devices()[:2]},
            {"memory": 3 * 8 * DIM * 20, "devices": jax.devices()[1:2]},
        )
        for chosen in choices:
            other = closest.pairs(vectors, 5, block=8, screen=screen, **chosen)
            assert _indices(other) == _indices(plain)
            np.testing.assert_array_equal(other.cosine, plain.cosine)
        for memory in (1, 1 << 30):
            both = _by_crew(
                2,
                lambda crew, screen=screen, memory=memory: closest.pairs(
                    vectors, 5, block=8, screen=screen, memory=memory, crew=crew
                ),
            )
            assert both[0].unseen == both[1].unseen
            for shared in both:
                assert _indices(shared) == _indices(plain)
                np.testing.assert_array_equal(shared.cosine, plain.cosine)


@dataclass
class Recorded:
    """Rows that remember how many were read at once, and in all."""

    matrix: NDArray[Any]
    most: int = 0
    total: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        return self.matrix.shape

    def rows(self, which: slice) -> NDArray[Any]:
        read = self.matrix[which]
        self.most, self.total = max(self.most, len(read)), self.total + len(read)
        return read


def test_rows_are_read_a_panel_at_a_time() -> None:
    source = Recorded(_rows(9))
    done: list[int] = []
    # Two panels of float32 and bfloat16 rows, and what making one takes, for each device.
    memory = 16 * DIM * (2 * 6 + 8) * len(jax.devices())
    closest.pairs(source, block=8, memory=memory, step=done.append)
    assert sum(done) == COUNT * (COUNT - 1) // 2
    assert source.most == 16
    # Four panels: 16, 16, 16 and 12 rows; the first of a pair is kept. Then two blocks a tile.
    assert source.total <= 4 * COUNT / 2 + COUNT + 9 * 2 * 8
    whole = Recorded(_rows(9))
    closest.pairs(whole, block=8)
    assert source.most < whole.most == COUNT


def test_a_second_call_compiles_nothing(caplog: pytest.LogCaptureFixture) -> None:
    counts = []
    for seed in (10, 11):
        caplog.clear()
        with jax.log_compiles(), caplog.at_level(logging.WARNING):
            closest.pairs(_rows(seed, count=44), 3, block=8, screen="bfloat16")
        counts.append(sum("Compiling" in record.message for record in caplog.records))
    assert counts[0] > 0
    assert counts[1] == 0


def test_one_row_has_no_pairs() -> None:
    found = closest.pairs(np.array([[3.0, 4.0]]))
    assert _indices(found) == []
    assert found.unseen == 0


@pytest.mark.parametrize(
    ("kind", "power"),
    [(np.float32, -135), (np.float32, 120), (np.float64, -1000), (np.float64, 1000)],
)
def test_sizes_that_float32_cannot_hold(kind: Any, power: int) -> None:
    # Entries are flushed to zero, or overflow, unless rows are scaled before they are rounded.
    vectors = 3 + _rows(12, np.float64)
    vectors[7] = vectors[50] * 2.0**power
    vectors[20] *= 2.0**90
    vectors = vectors.astype(kind)
    for screen in ("bfloat16", "float32"):
        found = closest.pairs(vectors, 3, block=8, screen=screen)
        # In units that float64 squares well.
        scaled = vectors / np.abs(vectors).max(axis=1)[:, None].astype(np.float64)
        assert _indices(found) == [(i, j) for _, i, j in _expected(scaled, 3)]
        assert (7, 50) in _indices(found)


@pytest.mark.parametrize("spread", [1.0, 1e-2, 1e-3, 0.0])
@pytest.mark.parametrize("screen", ["bfloat16", "float32"])
def test_chunks_of_a_few_tiles(spread: float, screen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Three tiles a chunk: screens are given up, and taken up again, within one run.
    monkeypatch.setattr(panels, "_LEAST", 3)
    monkeypatch.setattr(panels, "_CPU", (8, 1.0))
    vectors = 1 + spread * _rows(14, np.float64) if spread else np.sign(_rows(14))
    for count in (1, 4):
        cosine, one, two = _expected(vectors, count + 1)[count]
        found = closest.pairs(vectors, count, screen=screen, devices=jax.devices()[:1])
        listed = _cosines(vectors)[found.first, found.second]
        np.testing.assert_allclose(found.cosine, listed, rtol=0, atol=TOLERANCE)
        left_out = _cosines(vectors)
        left_out[found.first, found.second] = -1
        assert left_out.max() <= found.unseen + TOLERANCE
        if spread == 1.0:
            assert found.unseen <= found.cosine[-1]
            assert (one, two) not in _indices(found)
            assert abs(left_out.max() - cosine) < TOLERANCE


def test_tiles_that_waited_count_as_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two tiles of the first chunk nearly tie, so that one waits behind the other, which may look
    # better without being so; then an equal pair raises the bar above both.
    monkeypatch.setattr(panels, "_LEAST", 3)
    monkeypatch.setattr(panels, "_CPU", (8, 1.0))
    for seed in range(12):
        vectors = _rows(seed, np.float64)
        for one, two, cosine in ((0, 1, 0.95), (2, 9, 0.95001), (56, 57, 1.0)):
            along = vectors[one] / np.linalg.norm(vectors[one])
            across = vectors[two] - along * (along @ vectors[two])
            across /= np.linalg.norm(across)
            vectors[two] = cosine * along + np.sqrt(1 - cosine**2) * across
        found = closest.pairs(vectors, screen="bfloat16", devices=jax.devices()[:1])
        assert _indices(found) == [(56, 57)]
        left_out = _cosines(vectors)
        left_out[56, 57] = -1
        assert left_out.max() <= found.unseen + TOLERANCE


def test_the_bar_leaves_room_for_rounding() -> None:
    known = closest._Known(2, 0.25)
    assert known.bar == 0
    known.add(np.array([0.75, -1, 0.5, 0.875]), np.arange(8).reshape(4, 2))
    assert known.bar == 0.75 - 0.25
    assert known.passed == 0


@pytest.mark.parametrize(
    ("vectors", "options", "message"),
    [
        (np.ones(3), {}, r"^`vectors` must have shape \[n, d\]; got shape \(3,\)\.$"),
        (np.ones((0, 3)), {}, r"^`vectors` must have a row and a column; got shape \(0, 3\)\.$"),
        (np.ones((2, 2), complex), {}, r"^`vectors` must hold real numbers; got type complex128"),
        (np.ones((2, 2), bool), {}, r"^`vectors` must hold real numbers; got type bool\.$"),
        (np.array([[1, 1], [1, np.nan]]), {}, r"^`vectors` must be finite; row 1 is not\.$"),
        (np.array([[1, 1], [1, np.inf]]), {}, r"^`vectors` must be finite; row 1 is not\.$"),
        (np.array([[1, 1], [0, 0]]), {}, r"^rows of `vectors` must be non-zero; row 1 is zero\.$"),
        (np.eye(2), {"count": 0}, r"^`count` must be at least 1; got 0\.$"),
        (np.eye(2), {"block": 0}, r"^`block` must lie in \[1, 32768\]; got 0\.$"),
        (np.eye(2), {"screen": "int8"}, r"^`screen` must be one of auto, bfloat16, float32; got "),
    ],
)
def test_refusals(vectors: NDArray[Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        closest.pairs(vectors, **options)


def test_a_bad_row_is_named_by_its_place_in_the_source() -> None:
    vectors = _rows(13)
    vectors[37] = 0
    with pytest.raises(ValueError, match="row 37 is zero"):
        closest.pairs(rows.Held(vectors), block=8, memory=1)
