import math
from dataclasses import dataclass

import numpy as np
import pytest
import toy

from experiments.harness import exact_json

LONG = 7**9000  # 7606 digits; Python prints 4300 unless told otherwise


def test_integers_of_any_size_come_back_exactly() -> None:
    value = [2**53 + 1, LONG, -LONG]
    assert exact_json.loads(exact_json.dumps(exact_json.plain(value))) == value
    with pytest.raises(ValueError, match="4300"):
        str(LONG)


def test_numpy_scalars_tuples_and_dataclasses_become_plain() -> None:
    @dataclass
    class Pair:
        left: object
        right: object

    value = {"a": np.int64(3), "b": (np.float32(0.5), np.bool_(True)), "c": Pair("x", None)}
    plain = exact_json.plain(value)
    assert plain == {"a": 3, "b": [0.5, True], "c": {"left": "x", "right": None}}
    assert (
        exact_json.dumps(plain) == '{"a": 3, "b": [0.5, true], "c": {"left": "x", "right": null}}'
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_what_is_not_finite_is_named(value: float) -> None:
    with pytest.raises(ValueError, match=r"^`data\['a'\]\[1\]` must be finite, or None"):
        exact_json.plain({"a": [0, value]})


def test_other_values_are_named() -> None:
    with pytest.raises(TypeError, match=r"^`data\['a'\]` must be a JSON value; got set\.$"):
        exact_json.plain({"a": {1}})
    with pytest.raises(TypeError, match=r"^`data` must have text as keys; got 1\.$"):
        exact_json.plain({1: 2})


@pytest.mark.parametrize("text", ["", "{", '{"a": NaN}', "[Infinity]", "[" * 100_000])
def test_bad_text_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        exact_json.loads(text)


def test_config_comes_back_equal() -> None:
    config = toy.Config(dim=(3, 4), width=2, angle=0.1)
    record = exact_json.loads(exact_json.dumps(exact_json.config_json(config)))
    assert exact_json.config_from_json(toy.Config, record) == config
    del record["width"]
    with pytest.raises(TypeError, match=r"not those of the present source \(width\)"):
        exact_json.config_from_json(toy.Config, record)
