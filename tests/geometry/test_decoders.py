"""Decoders against plain NumPy loops, against linear programming, and their invariances."""

import logging
import math
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize

from geometry import signals, state_evolution
from geometry.decoders import amp, basis_pursuit, fista, matched_filter, pursuit

Floats = NDArray[np.float64]


def rows_of(count: int, dim: int, seed: int = 0) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).standard_normal((count, dim))
    return np.asarray(rows / np.linalg.norm(rows, axis=1)[:, None], np.float32)


def codes_of(
    batch: int, count: int, active: int, *, signed: bool, seed: int = 1
) -> NDArray[np.float32]:
    return np.asarray(signals.draw_codes(jax.random.key(seed), batch, count, active, signed=signed))


ROWS = rows_of(30, 15)


# Matched filter


def test_matched_filter_rules() -> None:
    codes = codes_of(4, 30, 3, signed=True)
    inputs = codes @ ROWS
    readings = inputs.astype(np.float64) @ ROWS.T.astype(np.float64)
    assert np.abs(np.abs(readings) - 0.45).min() > 1e-6
    np.testing.assert_allclose(matched_filter.correlations(ROWS, inputs), readings, atol=1e-5)
    np.testing.assert_array_equal(
        matched_filter.threshold(ROWS, inputs, 0.45), np.where(readings > 0.45, 1, 0)
    )
    np.testing.assert_array_equal(
        matched_filter.threshold(ROWS, inputs, 0.45, signed=True),
        np.where(np.abs(readings) > 0.45, np.sign(readings), 0),
    )
    np.testing.assert_allclose(
        matched_filter.relu(ROWS, inputs, 0.3), np.maximum(readings - 0.3, 0), atol=1e-5
    )


@pytest.mark.parametrize("signed", [False, True])
def test_strongest(signed: bool) -> None:
    inputs = codes_of(5, 30, 4, signed=signed) @ ROWS
    readings = inputs.astype(np.float64) @ ROWS.T.astype(np.float64)
    active = np.array([1, 2, 4, 7, 10])
    found = np.asarray(matched_filter.strongest(ROWS, inputs, active, signed=signed))
    for item in range(5):
        strength = np.abs(readings[item]) if signed else readings[item]
        chosen = [i for i in np.argsort(-strength)[: active[item]] if strength[i] > 0]
        assert set(np.flatnonzero(found[item])) == set(chosen)
        np.testing.assert_allclose(found[item][chosen], readings[item][chosen], atol=1e-5)
    zero = matched_filter.strongest(ROWS, np.zeros((1, 15)), 3)
    np.testing.assert_array_equal(np.asarray(zero), 0)


# Orthogonal matching pursuit


def pursued(rows: Floats, x: Floats, steps: int, *, nonnegative: bool) -> tuple[list[int], Floats]:
    residual, picks = x.copy(), list[int]()
    weights: Floats = np.zeros(0)
    for _ in range(steps):
        strength = rows @ residual
        strength = strength if nonnegative else np.abs(strength)
        strength[picks] = -np.inf
        picks.append(int(np.argmax(strength)))
        weights = np.asarray(np.linalg.lstsq(rows[picks].T, x, rcond=None)[0], np.float64)
        residual = x - weights @ rows[picks]
    code = np.zeros(len(rows))
    code[picks] = weights
    return picks, code


@pytest.mark.parametrize("nonnegative", [False, True])
def test_pursuit(nonnegative: bool) -> None:
    codes = codes_of(6, 30, 5, signed=not nonnegative)
    inputs = codes @ ROWS
    found = pursuit.orthogonal(ROWS, inputs, 5, nonnegative=nonnegative)
    for item in range(6):
        picks, code = pursued(
            ROWS.astype(np.float64), inputs[item].astype(np.float64), 5, nonnegative=nonnegative
        )
        assert np.asarray(found.picks)[item].tolist() == picks
        np.testing.assert_allclose(np.asarray(found.codes)[item], code, atol=1e-4)


def test_recovery_looks_at_the_first_k_picks() -> None:
    active = np.repeat([1, 3, 6, 9], 20).astype(np.int32)
    codes = np.asarray(signals.draw_codes(jax.random.key(3), 80, 30, active, signed=True))
    picks = np.asarray(pursuit.orthogonal(ROWS, codes @ ROWS, 9).picks)
    expected = [all(codes[item, picks[item, : active[item]]] != 0) for item in range(len(active))]
    found = np.asarray(pursuit.recovers(ROWS, codes, most=9))
    np.testing.assert_array_equal(found, expected)
    assert 0 < found.mean() < 1
    # Codes with more active features than steps are not found.
    np.testing.assert_array_equal(
        np.asarray(pursuit.recovers(ROWS, codes, most=5)), np.array(expected) & (active <= 5)
    )


def test_pursuit_finds_what_coherence_guarantees() -> None:
    # d + 1 directions of the simplex, mu = 1/d: any k < (1 + d)/2.
    dim = 9
    rows = np.eye(dim + 1) - 1 / (dim + 1)
    axes = np.linalg.svd(rows)[0][:, :dim]
    unit = (axes / np.linalg.norm(axes, axis=1)[:, None]).astype(np.float32)
    codes = codes_of(50, dim + 1, 4, signed=True)
    assert np.asarray(pursuit.recovers(unit, codes, most=4)).all()
    found = pursuit.orthogonal(unit, codes @ unit, 4)
    np.testing.assert_allclose(np.asarray(found.codes), codes, atol=1e-4)


def test_pursuit_with_nothing_left_to_take() -> None:
    rows = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    found = pursuit.orthogonal(rows, np.array([[2.0, 0.0]]), 2)
    # After row 0 the residual is zero.
    assert np.asarray(found.picks).tolist() == [[0, 3]]
    np.testing.assert_allclose(np.asarray(found.codes), [[2, 0, 0]])


# FISTA


def lasso(rows: Floats, x: Floats, penalty: float, *, nonnegative: bool) -> Floats:
    """Coordinate descent, a different algorithm for the same problem; rows are unit."""
    code = np.zeros(len(rows))
    residual = x.copy()
    for _ in range(3000):
        for i in range(len(rows)):
            aim = rows[i] @ residual + code[i]
            new = (
                max(aim - penalty, 0) if nonnegative else np.sign(aim) * max(abs(aim) - penalty, 0)
            )
            residual += (code[i] - new) * rows[i]
            code[i] = new
    return code


@pytest.mark.parametrize("nonnegative", [False, True])
def test_fista(nonnegative: bool) -> None:
    codes = codes_of(4, 30, 3, signed=not nonnegative)
    inputs = codes @ ROWS
    found = fista.decode(ROWS, inputs, 0.05, nonnegative=nonnegative, tolerance=1e-3, steps=5000)
    assert np.asarray(found.violation).max() <= 1e-3
    for item in range(4):
        expected = lasso(
            ROWS.astype(np.float64), inputs[item].astype(np.float64), 0.05, nonnegative=nonnegative
        )
        np.testing.assert_allclose(np.asarray(found.codes)[item], expected, atol=5e-4)


def test_fista_reports_what_has_not_converged() -> None:
    inputs = codes_of(3, 30, 8, signed=True) @ ROWS
    short = fista.decode(ROWS, inputs, 1e-3, steps=10)
    assert int(short.steps) == 10
    assert np.asarray(short.violation).max() > 0.01
    # A penalty above every correlation leaves nothing.
    none = fista.decode(ROWS, inputs, 100.0)
    np.testing.assert_array_equal(np.asarray(none.codes), 0)
    each = fista.decode(ROWS, inputs, np.array([0.05, 0.05, 100.0]))
    assert (np.asarray(each.codes)[2] == 0).all()
    assert (np.asarray(each.codes)[0] != 0).any()


# Message passing


@pytest.mark.parametrize("nonnegative", [False, True])
def test_message_passing(nonnegative: bool) -> None:
    codes = codes_of(3, 30, 2, signed=not nonnegative)
    inputs = (codes @ ROWS).astype(np.float64)
    rows, alpha = ROWS.astype(np.float64), 1.3
    found = amp.decode(ROWS, inputs, alpha, steps=6, nonnegative=nonnegative)
    for item in range(3):
        code, residual, tau = np.zeros(30), inputs[item].copy(), 0.0
        for _ in range(6):
            tau = float(np.linalg.norm(residual)) / math.sqrt(15)
            seen = code + rows @ residual
            if nonnegative:
                code = np.maximum(seen - alpha * tau, 0)
            else:
                code = np.sign(seen) * np.maximum(np.abs(seen) - alpha * tau, 0)
            residual = inputs[item] - code @ rows + residual * np.count_nonzero(code) / 15
        np.testing.assert_allclose(np.asarray(found.codes)[item], code, atol=1e-4)
        assert float(np.asarray(found.tau)[item]) == pytest.approx(tau, rel=1e-3)


def test_padding_changes_nothing() -> None:
    codes = codes_of(4, 30, 2, signed=True)
    wide = np.zeros((30, 20), np.float32)
    wide[:, :15] = ROWS
    plain = amp.decode(ROWS, codes @ ROWS, 1.3, steps=8)
    padded = amp.decode(wide, codes @ wide, 1.3, steps=8, dim=15)
    np.testing.assert_allclose(np.asarray(plain.codes), np.asarray(padded.codes), atol=1e-5)


def test_message_passing_meets_state_evolution() -> None:
    features, dim, active, sigma = 1600, 800, 160, 0.1
    rows = rows_of(features, dim)
    codes = codes_of(24, features, active, signed=True)
    noise = sigma * np.random.default_rng(4).standard_normal((24, dim))
    found = amp.decode(rows, codes @ rows + noise, 1.2, steps=30)
    errors = np.mean((np.asarray(found.codes) - codes) ** 2, axis=1)
    fixed = state_evolution.fixed_point(
        0.5, (-1.0, 0.0, 1.0), (0.05, 0.9, 0.05), sigma=sigma, alpha=1.2
    )
    # Entries of an item are nearly independent; items spread by about 5%, their mean by 1%. N is
    # finite, which shifts the error by O(1/sqrt(N)) = 2.5% at most.
    assert errors.mean() == pytest.approx(fixed.mean_square_error, rel=0.05)


# Basis pursuit, trial by trial


def least_norm(rows: Floats, x: Floats, *, nonnegative: bool) -> float:
    """The least l1 norm, by linear programming (HiGHS)."""
    count = len(rows)
    if nonnegative:
        found = optimize.linprog(np.ones(count), A_eq=rows.T, b_eq=x, bounds=(0, None))
    else:
        found = optimize.linprog(
            np.ones(2 * count), A_eq=np.concatenate([rows, -rows]).T, b_eq=x, bounds=(0, None)
        )
    assert found.success
    assert found.fun is not None
    return float(found.fun)


@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("nonnegative", [False, True])
def test_basis_pursuit_agrees_with_linear_programming(nonnegative: bool, dense: bool) -> None:
    rows = rows_of(60, 30, seed=5)
    ks = [8, 14, 18, 22] if nonnegative else [6, 10, 13, 16]
    active = np.repeat(ks, 25).astype(np.int32)
    codes = np.asarray(
        signals.draw_codes(jax.random.key(6), 100, 60, active, signed=not nonnegative)
    )
    span = basis_pursuit.subspace(rows, dense=dense)
    found = basis_pursuit.decide(span, codes, nonnegative=nonnegative)
    assert (found == basis_pursuit.RECOVERED).sum() > 10
    assert (found == basis_pursuit.REFUTED).sum() > 10
    assert (found == basis_pursuit.UNDECIDED).mean() <= 0.05
    for item in range(100):
        goal = float(np.abs(codes[item]).sum())
        least = least_norm(
            rows.astype(np.float64),
            codes[item].astype(np.float64) @ rows.astype(np.float64),
            nonnegative=nonnegative,
        )
        if found[item] == basis_pursuit.RECOVERED:
            assert least == pytest.approx(goal, rel=1e-6)
        if found[item] == basis_pursuit.REFUTED:
            assert least < goal * (1 - 1e-4)


def test_basis_pursuit_edges() -> None:
    span = basis_pursuit.subspace(ROWS, dense=False)
    zero = basis_pursuit.decide(span, np.zeros((2, 30)))
    assert zero.tolist() == [basis_pursuit.RECOVERED] * 2
    # Independent rows determine their codes: the projection is the identity, whichever form it has.
    codes = codes_of(3, 6, 6, signed=True)
    for dim, dense in ((6, True), (6, False), (9, False)):
        whole = basis_pursuit.subspace(rows_of(6, dim), dense=dense)
        np.testing.assert_allclose(whole, np.eye(6), atol=1e-6)
        assert (basis_pursuit.decide(whole, codes) == basis_pursuit.RECOVERED).all()
    # No step, no decision.
    one = basis_pursuit.decide(span, codes_of(1, 30, 9, signed=True), steps=0)
    assert one.tolist() == [basis_pursuit.UNDECIDED]


def test_the_span_is_a_projection() -> None:
    rows = rows_of(12, 5).astype(np.float64)
    basis = basis_pursuit.subspace(rows, dense=False)
    np.testing.assert_allclose(basis.T @ basis, np.eye(5), atol=1e-6)
    whole = basis_pursuit.subspace(rows, dense=True)
    np.testing.assert_allclose(whole, rows @ np.linalg.pinv(rows), atol=1e-6)
    padded = np.concatenate([rows, np.zeros((12, 4))], axis=1)
    np.testing.assert_allclose(basis_pursuit.subspace(padded, dense=True), whole, atol=1e-6)


# All alike

DECODERS: dict[str, Callable[..., Any]] = {
    "threshold": lambda rows, x: matched_filter.threshold(rows, x, 0.4, signed=True),
    "relu": lambda rows, x: matched_filter.relu(rows, x, 0.2),
    "strongest": lambda rows, x: matched_filter.strongest(rows, x, 3, signed=True),
    "pursuit": lambda rows, x: pursuit.orthogonal(rows, x, 3).codes,
    "fista": lambda rows, x: fista.decode(rows, x, 0.05, tolerance=1e-3).codes,
    "amp": lambda rows, x: amp.decode(rows, x, 1.3, steps=10).codes,
}


@pytest.mark.parametrize("name", DECODERS)
def test_rotation_and_permutation(name: str) -> None:
    decode = DECODERS[name]
    inputs = codes_of(4, 30, 3, signed=True) @ ROWS
    plain = np.asarray(decode(ROWS, inputs))
    generator = np.random.default_rng(9)
    turn = np.linalg.qr(generator.standard_normal((15, 15)))[0].astype(np.float32)
    np.testing.assert_allclose(np.asarray(decode(ROWS @ turn, inputs @ turn)), plain, atol=2e-3)
    order = generator.permutation(30)
    np.testing.assert_allclose(np.asarray(decode(ROWS[order], inputs)), plain[:, order], atol=2e-3)
    # An item does not depend on the batch.
    np.testing.assert_allclose(np.asarray(decode(ROWS, inputs[2:3])), plain[2:3], atol=2e-3)


@pytest.mark.parametrize("name", DECODERS)
def test_a_second_call_compiles_nothing(name: str, caplog: pytest.LogCaptureFixture) -> None:
    rows = rows_of(21, 11)

    def compiled(seed: int) -> int:
        inputs = np.random.default_rng(seed).standard_normal((3, 11)).astype(np.float32)
        caplog.clear()
        with jax.log_compiles(), caplog.at_level(logging.WARNING):
            DECODERS[name](rows, inputs)
        return sum("Finished XLA compilation" in record.message for record in caplog.records)

    assert compiled(0) > 0
    assert compiled(1) == 0


def test_pursuit_and_basis_pursuit_compile_once(caplog: pytest.LogCaptureFixture) -> None:
    rows = rows_of(21, 11)

    def compiled(seed: int) -> int:
        codes = codes_of(5, 21, 2, signed=True, seed=seed)
        caplog.clear()
        with jax.log_compiles(), caplog.at_level(logging.WARNING):
            pursuit.recovers(rows, codes, most=3)
            basis_pursuit.decide(rows, codes, steps=100)
        return sum("Finished XLA compilation" in record.message for record in caplog.records)

    assert compiled(0) > 0
    assert compiled(1) == 0


@pytest.mark.parametrize("name", DECODERS)
def test_bad_shapes(name: str) -> None:
    with pytest.raises(ValueError, match=r"^`vectors` must have shape \[n, d\]; got shape \(3,\)"):
        DECODERS[name](np.zeros(3), np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"^`inputs` must have shape \[b, 15\]; got shape \(2, 3"):
        DECODERS[name](ROWS, np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: pursuit.orthogonal(ROWS, np.ones((1, 15)), 16), "`active` must lie in [1, 15]"),
        (lambda: pursuit.recovers(ROWS, np.ones((1, 30)), most=0), "`most` must lie in [1, 15]"),
        (
            lambda: pursuit.recovers(ROWS, np.ones((1, 3)), most=1),
            "`codes` must have shape [b, 30]",
        ),
        (lambda: fista.decode(ROWS, np.ones((1, 15)), 0.0), "`penalty` must be positive; got 0.0."),
        (lambda: fista.decode(ROWS, np.ones((1, 15)), 1.0, steps=0), "`steps` must be at least 1"),
        (lambda: amp.decode(ROWS, np.ones((1, 15)), 1.0, steps=0), "`steps` must be at least 1"),
        (lambda: basis_pursuit.decide(ROWS, np.ones((1, 3))), "`codes` must have shape [b, n]"),
        (
            lambda: basis_pursuit.decide(ROWS, -np.ones((1, 30)), nonnegative=True),
            "`codes` must be nonnegative; got -1.0.",
        ),
        (
            lambda: basis_pursuit.subspace(np.ones(3), dense=True),
            "`vectors` must have shape [n, d]",
        ),
    ],
)
def test_errors(call: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError, match="`") as caught:
        call()
    assert str(caught.value).startswith(said)
