import jax
import numpy as np
import pytest

from experiments.harness import devices


@pytest.mark.parametrize(("rows", "sharded"), [(8, True), (4, True), (6, False), (1, False)])
def test_rows_are_spread_where_they_divide(rows: int, sharded: bool) -> None:
    values = np.arange(rows * 3, dtype=np.float32).reshape(rows, 3)
    placed = devices.place(values)
    assert len(placed.sharding.device_set) == jax.device_count() == 4
    assert placed.sharding.is_fully_replicated is not sharded
    if sharded:
        assert {shard.data.shape for shard in placed.addressable_shards} == {(rows // 4, 3)}
    np.testing.assert_array_equal(np.asarray(placed), values)


def test_kernels_see_no_difference() -> None:
    values = np.arange(24, dtype=np.float32).reshape(8, 3)
    gram = jax.jit(lambda rows: rows @ rows.T)
    np.testing.assert_array_equal(gram(devices.place(values)), values @ values.T)


def test_a_single_number_is_replicated() -> None:
    assert devices.place(2.5).sharding.is_fully_replicated


def test_description() -> None:
    assert devices.describe() == {"platform": "cpu", "kind": "cpu", "count": 4}
