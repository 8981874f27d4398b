"""Blocked Gram kernels against the whole Gram matrix in float64."""

import logging
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from numpy.typing import NDArray

from geometry import coherence

COUNT, DIM = 77, 9
# 77 rows in blocks of 16 need padding (80) and 15 tiles, which four devices do not share evenly.
BLOCKS = (16, 1024)
# float32 unit rows: normalising and a product of 9 terms err by less than (9 + 4) * 2^-24.
TOLERANCE = 13 * 2.0**-24


# JAX leaves these untyped.
_spec: Callable[..., PartitionSpec] = PartitionSpec
_shape: Callable[..., jax.ShapeDtypeStruct] = jax.ShapeDtypeStruct


def _rows(count: int = COUNT, dim: int = DIM) -> NDArray[np.float32]:
    return np.random.default_rng(1).standard_normal((count, dim)).astype(np.float32)


def _signs(dim: int = 4) -> NDArray[np.int8]:
    # Rows of four signs: every |cos| is exactly 0, 1/2 or 1 in float32, with many ties. Rows of
    # sixteen: a multiple of 1/8, and tiles differ in their largest.
    return np.random.default_rng(2).choice(np.array([-1, 1], np.int8), (40, dim))


def _cosines(vectors: NDArray[Any]) -> NDArray[np.float64]:
    unit = vectors.astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1)[:, None]
    return np.abs(unit @ unit.T)


def _sorted_pairs(cosines: NDArray[np.float64]) -> list[tuple[float, int, int]]:
    count = len(cosines)
    pairs = [(cosines[i, j], i, j) for i in range(count) for j in range(i + 1, count)]
    return sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2]))


def _place(vectors: NDArray[Any], devices: int, *, by_row: bool = False) -> jax.Array:
    mesh = jax.make_mesh((devices,), ("rows",), axis_types=(AxisType.Auto,))
    spec = _spec("rows") if by_row else _spec()
    return jnp.asarray(jax.device_put(vectors, NamedSharding(mesh, spec)))


@pytest.mark.parametrize("block", BLOCKS)
def test_largest_inner_product_of_integers_is_exact(block: int) -> None:
    # 4 * 2047 * 2048 = 2^24 - 8192: the largest sums fit, and rounding to bfloat16, or to TF32,
    # would be off by thousands.
    rows = np.random.default_rng(3).integers(-2048, 2049, (50, 4), dtype=np.int32)
    rows[7], rows[31] = [2047, -2047, 2047, 2045], [2048, -2048, 2048, 2047]
    exact = max(
        abs(sum(int(a) * int(b) for a, b in zip(rows[i], rows[j], strict=True)))
        for i in range(50)
        for j in range(i + 1, 50)
    )
    assert int(coherence.largest_inner_product(rows, block=block)) == exact
    assert int(coherence.largest_inner_product(rows.astype(np.int64), block=block)) == exact


@pytest.mark.parametrize("kind", [np.int8, np.int32, np.float16, np.float32, np.float64])
def test_every_type_is_read_alike(kind: type[Any]) -> None:
    rows = np.random.default_rng(4).integers(-3, 4, (20, 6)).astype(kind)
    gram = rows.astype(np.int64) @ rows.T.astype(np.int64)
    largest = np.abs(gram[np.triu_indices(20, 1)]).max()
    result = coherence.largest_inner_product(rows)
    assert result.dtype == jnp.float32
    assert int(result) == largest


def test_the_diagonal_and_padding_are_left_out() -> None:
    # Orthogonal rows of very different lengths: only the diagonal is not zero.
    rows = np.diag([1, 2, 3, 1000, 5]).astype(np.float32)
    assert float(coherence.largest_inner_product(rows, block=2)) == 0
    # Duplicates off the diagonal count, although their value is that of the diagonal.
    twice = np.concatenate([rows, rows])
    assert float(coherence.largest_inner_product(twice, block=4)) == 1e6
    assert float(coherence.mutual_coherence(twice, block=4)) == 1


@pytest.mark.parametrize("sizes", [(33, 20), (1, 70), (70, 1)])
def test_largest_cross_product(sizes: tuple[int, int]) -> None:
    generator = np.random.default_rng(5)
    left, right = (generator.integers(-9, 10, (size, 5), dtype=np.int8) for size in sizes)
    expected = np.abs(left.astype(np.int64) @ right.T.astype(np.int64)).max()
    assert int(coherence.largest_cross_product(left, right, block=16)) == expected


@pytest.mark.parametrize("block", BLOCKS)
def test_mutual_coherence(block: int) -> None:
    rows = _rows() * np.logspace(-18, 18, COUNT, dtype=np.float32)[:, None]
    expected = _cosines(rows)[np.triu_indices(COUNT, 1)].max()
    assert abs(float(coherence.mutual_coherence(rows, block=block)) - expected) < TOLERANCE


def test_mutual_coherence_is_invariant() -> None:
    rows = _rows()
    generator = np.random.default_rng(6)
    rotation = np.linalg.qr(generator.standard_normal((DIM, DIM)))[0]
    signs = generator.choice([-1, 1], (COUNT, 1))
    plain = float(coherence.mutual_coherence(rows))
    for other in (rows @ rotation, rows * signs, rows[generator.permutation(COUNT)]):
        # Two computed values, and rows rounded once more to float32.
        assert abs(float(coherence.mutual_coherence(other)) - plain) < 3 * TOLERANCE


@pytest.mark.parametrize("by_row", [False, True])
def test_one_device_agrees_with_four(by_row: bool) -> None:
    assert len(jax.devices()) >= 4
    rows = _rows(80)
    many = _place(rows, 4, by_row=by_row)
    assert len(many.sharding.device_set) == 4
    functions: list[Callable[[Any], Any]] = [
        lambda v: coherence.largest_inner_product(v, block=16),
        lambda v: coherence.largest_cross_product(v, rows[:30], block=16),
        lambda v: coherence.largest_cross_product(rows[:30], v, block=16),
        lambda v: coherence.mutual_coherence(v, block=16),
    ]
    for function in functions:
        jax.tree.map(np.testing.assert_array_equal, function(rows), function(many))


def test_batches_agree_with_the_loop() -> None:
    stacks = np.random.default_rng(7).standard_normal((3, 20, 4)).astype(np.float32)
    batched = jax.vmap(lambda rows: coherence.mutual_coherence(rows, block=8))(jnp.asarray(stacks))
    looped = [float(coherence.mutual_coherence(rows, block=8)) for rows in stacks]
    # A batched product may sum its 4 terms in another order.
    np.testing.assert_allclose(batched, looped, rtol=0, atol=8 * 2.0**-24)


def test_one_row_has_no_pairs() -> None:
    row = np.array([[3.0, 4.0]])
    assert float(coherence.largest_inner_product(row)) == 0
    assert float(coherence.mutual_coherence(row)) == 0


def test_a_second_call_compiles_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def everything(rows: NDArray[np.float32]) -> None:
        coherence.largest_inner_product(rows, block=16)
        coherence.mutual_coherence(rows, block=16)

    rows = _rows(41, 3)

    def compiled(rows: NDArray[np.float32]) -> int:
        caplog.clear()
        with jax.log_compiles(), caplog.at_level(logging.WARNING):
            everything(rows)
        return sum("Compiling" in record.message for record in caplog.records)

    assert compiled(rows) > 0
    assert compiled(rows + 1) == 0


def test_products_are_taken_at_full_precision() -> None:
    # A CPU always does; accelerators round to fewer bits unless they are told.
    for function in (coherence.largest_inner_product, coherence.mutual_coherence):
        text = str(jax.make_jaxpr(function)(jnp.ones((20, 4))))
        products = [line for line in text.splitlines() if "dot_general" in line]
        assert len(products) == 1
        assert text.count("precision=(Precision.HIGHEST, Precision.HIGHEST)") == 1


def test_memory_is_linear_in_the_rows() -> None:
    count, dim, block = 60_000, 16, 256
    shape = _shape((count, dim), jnp.float32)
    lowered = jax.jit(lambda rows: coherence.largest_inner_product(rows, block=block)).lower(shape)
    memory = lowered.compile().memory_analysis()
    assert memory is not None
    # The padded rows, the list of tiles (8 bytes a tile), the maxima, and a few tiles.
    tiles = (count // block + 1) ** 2 / 2
    allowed = 4 * count * dim + 16 * tiles + 4 * 4 * block**2 + 2**16
    assert memory.temp_size_in_bytes + memory.generated_code_size_in_bytes < allowed


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.ones(3), r"^`vectors` must have shape \[n, d\]; got shape \(3,\)\.$"),
        (np.ones((0, 3)), r"^`vectors` must have a row and a column; got shape \(0, 3\)\.$"),
        (np.ones((3, 0)), r"^`vectors` must have a row and a column; got shape \(3, 0\)\.$"),
        (np.ones((2, 2), complex), r"^`vectors` must hold real numbers; got type complex128\.$"),
        (np.array([["a"]]), r"^`vectors` must hold real numbers; got type <U1\.$"),
        (np.array([[1, 2], [np.nan, 1]]), r"^`vectors` must be finite in float32; row 1 is not\.$"),
        (np.array([[np.inf, 2], [0, 1]]), r"^`vectors` must be finite in float32; row 0 is not\.$"),
        (np.array([[1, 2], [1e300, 1]]), r"^`vectors` must be finite in float32; row 1 is not\.$"),
    ],
)
def test_bad_vectors(rows: NDArray[Any], message: str) -> None:
    for function in (coherence.largest_inner_product, coherence.mutual_coherence):
        with pytest.raises(ValueError, match=message):
            function(rows)


def test_bad_options() -> None:
    rows = np.eye(3)
    with pytest.raises(ValueError, match=r"^rows of `vectors` must be non-zero; row 1 is zero\.$"):
        coherence.mutual_coherence(np.array([[1, 0], [0, 0]]))
    with pytest.raises(ValueError, match=r"^`left` and `right` must have as many columns; got "):
        coherence.largest_cross_product(rows, np.eye(2))
    with pytest.raises(ValueError, match=r"^`right` must have shape \[n, d\]; got shape \(3,\)\.$"):
        coherence.largest_cross_product(rows, np.ones(3))
    for block in (0, 32769):
        with pytest.raises(ValueError, match=rf"^`block` must lie in \[1, 32768\]; got {block}\.$"):
            coherence.mutual_coherence(rows, block=block)
