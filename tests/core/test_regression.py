"""Statistics, posterior and evidence against dense linear algebra and known truths."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

import softfix.core.statistics
from softfix.core.evidence import Columns, Hyperprior, maximise, prior_std
from softfix.core.posterior import at_noise, log_evidence, posterior, slopes
from softfix.core.precision import in_float64
from softfix.core.statistics import KINDS, Gathering, Labelled, empty

ROWS, COLUMNS = 40, 6
NOISE = np.array([0.3, 0.1, 0.2, 1.0])
PRIOR = np.linspace(0.5, 2.0, COLUMNS)


def of_rows(parts):
    gathering = Gathering(next(iter(parts.values())).X.shape[1])
    gathering.add(parts)
    return gathering.statistics()


def statistics_of(X, y, kind):
    """Statistics of rows whose kinds are marked with 1."""
    marks = zip(KINDS, kind.astype(bool), strict=True)
    return of_rows({name: Labelled(X[mark], y[mark], np.ones(mark.sum())) for name, mark in marks})


@pytest.fixture
def data():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(ROWS, COLUMNS))
    kind = np.zeros((4, ROWS))
    kind[rng.integers(0, 3, ROWS), np.arange(ROWS)] = 1.0
    w = PRIOR * rng.normal(size=COLUMNS)
    y = X @ w + (NOISE @ kind) * rng.normal(size=ROWS)
    return X, y, kind, w


@in_float64
def test_posterior_is_that_of_dense_linear_algebra(data):
    X, y, kind, _ = data
    normal = at_noise(statistics_of(X, y, kind), NOISE)
    result = posterior(normal, PRIOR)
    precision = X.T @ np.diag(1 / (NOISE @ kind) ** 2) @ X + np.diag(1 / PRIOR**2)
    covariance = np.linalg.inv(precision)
    assert np.allclose(result.mean, covariance @ X.T @ (y / (NOISE @ kind) ** 2), rtol=1e-10)
    root = np.asarray(result.root)
    assert np.allclose(root.T @ root, covariance, rtol=1e-9)
    gram = np.cov(np.random.default_rng(1).normal(size=(len(covariance), 9)))
    assert result.traces(np.stack([gram, 2.0 * gram])) == pytest.approx(
        np.trace(gram @ covariance) * np.array([1.0, 2.0]), rel=1e-9
    )


MEMBERS = np.arange(COLUMNS) % 2 == np.arange(2)[:, None]


def evidence_at(statistics, logarithms):
    """Evidence and its slopes, the prior of two groups of columns and the noise of every kind changed by factors."""
    factor = np.exp(logarithms)
    found = log_evidence(statistics, PRIOR * (factor[:2] @ MEMBERS), NOISE * factor[2:])
    return found.value, slopes(statistics, found.posterior, NOISE * factor[2:], MEMBERS)


@in_float64
def test_evidence_is_the_marginal_likelihood_of_the_labels(data):
    X, y, kind, _ = data
    marginal = X @ np.diag(PRIOR**2) @ X.T + np.diag((NOISE @ kind) ** 2)
    exact = multivariate_normal(cov=marginal).logpdf(y) + 0.5 * ROWS * np.log(2 * np.pi)
    assert evidence_at(statistics_of(X, y, kind), np.zeros(6))[0] == pytest.approx(exact, rel=1e-10)


@in_float64
def test_slopes_and_curvature_of_the_evidence_are_those_of_its_value(data):
    X, y, kind, _ = data
    statistics = statistics_of(X, y, kind)
    _, found = evidence_at(statistics, np.zeros(6))
    ends = [[evidence_at(statistics, s * shift) for s in (1, -1)] for shift in 1e-5 * np.eye(6)]
    slope = [(up - down) / 2e-5 for (up, _), (down, _) in ends]
    assert np.allclose(found.slope, slope, rtol=1e-6, atol=1e-6)
    bend = np.array([(up.slope - down.slope) / 2e-5 for (_, up), (_, down) in ends])
    assert np.allclose(found.information[:2, :2], -bend[:2, :2], rtol=1e-6, atol=1e-6)


@in_float64
def test_the_curvature_by_noise_is_the_average_information_of_dense_linear_algebra(data):
    X, y, kind, _ = data
    _, found = evidence_at(statistics_of(X, y, kind), np.zeros(6))
    V = X @ np.diag(PRIOR**2) @ X.T + np.diag((NOISE @ kind) ** 2)
    P = np.linalg.inv(V)
    by_prior = [2 * X @ np.diag(PRIOR**2 * group) @ X.T for group in MEMBERS]
    by_noise = [2 * np.diag(sigma**2 * mark) for sigma, mark in zip(NOISE, kind, strict=True)]
    seen = np.array([slope @ P @ y for slope in by_prior + by_noise])
    assert np.allclose(found.information[2:], 0.5 * (seen @ P @ seen.T)[2:], rtol=1e-8, atol=1e-8)


def test_labels_that_are_not_finite_give_no_number(data):
    X, y, kind, _ = data
    X[0, 0] = np.nan
    assert np.isnan(posterior(at_noise(statistics_of(X, y, kind), NOISE), PRIOR).mean).all()


def test_a_weight_that_is_given_leaves_the_others_as_if_its_column_were_no_unknown(data):
    X, y, kind, _ = data
    normal = at_noise(statistics_of(X, y, kind), NOISE).given(0, 0.3)
    held = posterior(normal, np.where(np.arange(COLUMNS) == 0, 1e-12, PRIOR)).mean
    rest = posterior(at_noise(statistics_of(X[:, 1:], y - 0.3 * X[:, 0], kind), NOISE), PRIOR[1:]).mean
    assert np.allclose(held[1:], rest, rtol=1e-8)


def test_rows_that_are_gathered_one_by_one_give_the_statistics_of_all(data, monkeypatch):
    monkeypatch.setattr(softfix.core.statistics, "TALL", 7)
    X, y, _, _ = data
    weight = np.random.default_rng(1).uniform(size=len(y))
    gathering = Gathering(COLUMNS)
    for i in range(len(y)):
        gathering.add({KINDS[i % 3]: Labelled(X[i : i + 1], y[i : i + 1], weight[i : i + 1])})
    found = gathering.statistics()
    for k in range(len(KINDS)):
        mine = slice(k, None, 3) if k < 3 else slice(0)
        X_k, y_k, w_k = X[mine], y[mine], weight[mine]
        exact = ((X_k.T * w_k) @ X_k, (X_k.T * w_k) @ y_k, w_k @ y_k**2, len(y_k))
        for part, total in zip(found, exact, strict=True):
            np.testing.assert_allclose(part[k], total, atol=1e-12)


@in_float64
def test_statistics_of_parts_add_to_those_of_the_whole(data):
    X, y, kind, _ = data
    whole = statistics_of(X, y, kind)
    halves = empty(COLUMNS) + statistics_of(X[:15], y[:15], kind[:, :15])
    halves += statistics_of(X[15:], y[15:], kind[:, 15:])
    rest = whole - statistics_of(X[:15], y[:15], kind[:, :15])
    assert np.allclose(rest.gram, statistics_of(X[15:], y[15:], kind[:, 15:]).gram, atol=1e-12)
    for part, total in zip(halves, whole, strict=True):
        assert np.allclose(part, total, rtol=1e-10)


@in_float64
def test_the_posterior_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(5)
    inside = []
    for _ in range(300):
        X, w = rng.normal(size=(8, COLUMNS)), PRIOR * rng.normal(size=COLUMNS)
        kind = np.zeros((4, 8))
        kind[1] = 1.0
        labels = statistics_of(X, X @ w + 0.5 * rng.normal(size=8), kind)
        result = posterior(at_noise(labels, np.full(4, 0.5)), PRIOR)
        std = np.linalg.norm(np.asarray(result.root), axis=0)
        inside.append(np.abs(np.asarray(result.mean) - w) < std)
    assert np.mean(inside) == pytest.approx(0.683, abs=0.03)


@in_float64
def test_evidence_finds_the_noise_and_amplitude_that_made_the_data():
    rng = np.random.default_rng(6)
    rows, columns = 4000, 200
    X, w = rng.normal(size=(rows, columns)), 0.7 * rng.normal(size=columns)
    kind = np.zeros((4, rows))
    kind[1] = 1.0
    statistics = statistics_of(X, X @ w + 0.05 * rng.normal(size=rows), kind)
    shape = Columns(np.zeros(columns, int), np.ones(columns))
    wide = Hyperprior(np.ones(1), np.full(1, 2.0), np.full(4, 0.3), np.full(4, 2.0), np.zeros(4))
    found = maximise(statistics, shape, wide)
    assert float(found.amplitude[0]) == pytest.approx(0.7, rel=0.1)
    assert float(found.noise[1]) == pytest.approx(0.05, rel=0.05)
    assert int(found.steps) < 10


@in_float64
def test_a_narrow_hyperprior_holds_the_hyperparameters(data):
    X, y, kind, _ = data
    tight = Hyperprior(np.ones(1), np.full(1, 1e-3), NOISE, np.full(4, 1e-3), np.zeros(4))
    columns = Columns(np.zeros(COLUMNS, int), PRIOR)
    found = maximise(statistics_of(X, y, kind), columns, tight)
    assert np.allclose(prior_std(columns, found.amplitude), PRIOR, rtol=0.01)
    assert np.allclose(found.noise, NOISE, rtol=0.01)


def test_float64_is_asked_for_and_given_back():
    assert jnp.zeros(()).dtype == jnp.float32
    assert in_float64(lambda: jnp.zeros(()).dtype)() == jnp.float64
    assert jnp.zeros(()).dtype == jnp.float32
