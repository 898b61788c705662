"""Writes tests.json: values of scipy, statsmodels, scikit-learn and of whole-number arithmetic that test/stats/golden.test.ts holds src/stats to.

Run with a Python that has numpy, scipy, statsmodels, scikit-learn and mpmath:  python test/reference/tests.py
"""
import itertools
import json
import math
import pathlib
import sys
from fractions import Fraction

import mpmath
import numpy as np
import scipy
import sklearn
import statsmodels
from scipy import stats
from sklearn import metrics
from statsmodels.stats import contingency_tables, inter_rater
from statsmodels.stats.proportion import confint_proportions_2indep

mpmath.mp.dps = 50
rng = np.random.default_rng(20240701)
cases = []
alternatives = ["two-sided", "less", "greater"]


def case(function, args, expected, tolerance=1e-9):
    cases.append({"function": function, "args": clean(args), "expected": clean(expected), "tolerance": tolerance})


def clean(value):
    if isinstance(value, dict):
        return {key: clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [clean(item) for item in value]
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, (float, np.floating, Fraction, mpmath.mpf)):
        number = float(value)
        assert not math.isnan(number)
        return number
    return value


class Sequence(list):
    """(multiplier * i + add) mod modulus, divided by scale: a long sample that both sides compute."""

    def __init__(self, n, multiplier, add, modulus, scale=1):
        super().__init__()
        self.given = {"sequence": [n, multiplier, add, modulus, scale]}
        self.values = (np.arange(n) * multiplier + add) % modulus / scale


def given(sample):
    return sample.given if isinstance(sample, Sequence) else sample


def numbers(sample):
    return sample.values if isinstance(sample, Sequence) else np.asarray(sample)


def tail(z):
    """Upper tail of the normal law, in 50 digits."""
    return mpmath.erfc(mpmath.mpf(z) / mpmath.sqrt(2)) / 2


def dealt_tails(x, y):
    """P(U <= u), P(U >= u) over all ways to deal the pooled values, in whole numbers."""
    pooled = np.concatenate([x, y])
    ranks = [int(rank) for rank in np.rint(2 * stats.rankdata(pooled))]
    ways = [{0: 1}] + [{} for _ in x]
    for rank in ranks:
        for k in range(len(x), 0, -1):
            for total, count in ways[k - 1].items():
                ways[k][total + rank] = ways[k].get(total + rank, 0) + count
    seen, law = sum(ranks[: len(x)]), ways[-1]
    whole = math.comb(len(pooled), len(x))
    return (Fraction(sum(count for total, count in law.items() if total <= seen), whole), Fraction(sum(count for total, count in law.items() if total >= seen), whole))


def signed_tails(d, zeros):
    """P(T <= t), P(T >= t) of the positive rank sum over all signs, in whole numbers."""
    d = d[d != 0] if zeros == "wilcox" else d
    ranks = [int(rank) for rank in np.rint(2 * stats.rankdata(abs(d)))]
    kept = [rank for rank, gap in zip(ranks, d) if gap != 0]
    ways = {0: 1}
    for rank in kept:
        more = dict(ways)
        for total, count in ways.items():
            more[total + rank] = more.get(total + rank, 0) + count
        ways = more
    seen = sum(rank for rank, gap in zip(ranks, d) if gap > 0)
    return (Fraction(sum(count for total, count in ways.items() if total <= seen), 2 ** len(kept)), Fraction(sum(count for total, count in ways.items() if total >= seen), 2 ** len(kept)))


def chosen(alternative, tails):
    below, above = tails
    return below if alternative == "less" else above if alternative == "greater" else min(1, 2 * min(below, above))


# Mann-Whitney
samples = {
    "plain": (np.round(rng.normal(size=7), 3), np.round(rng.normal(0.8, 1, size=9), 3)),
    "uneven": (np.round(rng.normal(size=3), 3), np.round(rng.normal(0.8, 1, size=40), 3)),
    "ones": ([1.5], [2.5]),
    "one": ([3.5], [1, 2, 3, 4, 5]),
    "equal": ([1, 2, 3], [1, 2, 3]),
    "constant": ([4, 4], [4, 4, 4]),
    "apart": (list(range(25)), list(range(25, 50))),
    "middle": (np.round(rng.normal(size=30), 3), np.round(rng.normal(0.3, 2, size=25), 3)),
    "tied": (rng.integers(0, 4, 12), rng.integers(1, 5, 15)),
    "mostly tied": ([0] * 20 + [1], [0] * 18 + [1, 1, 1]),
    "uneven and tied": (rng.integers(0, 6, 4), rng.integers(2, 8, 30)),
    "negative": ([-1e300, -5, 0.0, 2], [-0.0, 7, 1e300]),
}
for name, (x, y) in samples.items():
    x, y = np.asarray(x, float), np.asarray(y, float)
    tied = len(set(np.concatenate([x, y]))) < len(x) + len(y)
    tails = dealt_tails(x, y)
    for alternative in alternatives:
        u = stats.mannwhitneyu(x, y, alternative=alternative, method="asymptotic").statistic
        exact = chosen(alternative, tails)
        case("mannWhitneyU", [x, y, {"alternative": alternative, "method": "exact"}], {"statistic": u, "pValue": exact})
        if not tied and name != "apart":
            found = stats.mannwhitneyu(x, y, alternative=alternative, method="exact").pvalue
            assert math.isclose(found, float(exact), rel_tol=1e-9), (name, found, float(exact))
        if name != "constant":
            for continuity in [True, False]:
                found = stats.mannwhitneyu(x, y, alternative=alternative, method="asymptotic", use_continuity=continuity)
                case("mannWhitneyU", [x, y, {"alternative": alternative, "method": "asymptotic", "continuity": continuity}], {"pValue": found.pvalue})
            case("mannWhitneyU", [x, y, {"alternative": alternative}], {"pValue": stats.mannwhitneyu(x, y, alternative=alternative).pvalue})
case("mannWhitneyU", [list(range(60)), list(range(60, 120)), {"method": "exact"}], {"statistic": 0, "pValue": Fraction(2, math.comb(120, 60))})
found = stats.mannwhitneyu(*samples["tied"][:2], method=stats.PermutationMethod(n_resamples=5000, rng=1)).pvalue
assert abs(found - float(chosen("two-sided", dealt_tails(*(np.asarray(s, float) for s in samples["tied"]))))) < 0.02


def mann_whitney_z(x, y, correction):
    """Two-sided, in whole numbers up to the last root."""
    n, m, total = len(x), len(y), len(x) + len(y)
    ranks = stats.rankdata(np.concatenate([x, y]))
    doubled = int(np.rint(2 * ranks[:n]).astype(np.int64).sum()) - n * (n + 1)
    ties = sum(int(t) ** 3 - int(t) for t in np.unique(np.concatenate([x, y]), return_counts=True)[1])
    variance = Fraction(n * m, 12) * (total + 1 - Fraction(ties, total * (total - 1)))
    gap = Fraction(abs(doubled - n * m), 2) - correction
    return Fraction(doubled, 2), mpmath.mpf(gap.numerator) / gap.denominator / mpmath.sqrt(mpmath.mpf(variance.numerator) / variance.denominator)


long = [
    (Sequence(1_000_000, 7919, 0, 1_000_003), Sequence(1_000_000, 104729, 500, 1_000_003)),
    (Sequence(1_000_000, 7919, 0, 1_000_003), Sequence(900_000, 104729, 500, 1_010_003)),
    (Sequence(1_000_000, 7919, 0, 5), Sequence(1_000_000, 104729, 2, 6)),
    (Sequence(1_000_000, 1, 0, 1_000_000), Sequence(1_000, 1, 0, 500)),
]
for x, y in long:
    u, z = mann_whitney_z(x.values, y.values, Fraction(1, 2))
    case("mannWhitneyU", [x.given, y.given], {"statistic": u, "pValue": min(mpmath.mpf(1), 2 * tail(z))})

# Wilcoxon
pairs = {
    "plain": (np.round(rng.normal(size=12), 3), np.round(rng.normal(0.5, 1, size=12), 3)),
    "one": ([2.0], [1.0]),
    "two": ([2.0, 5.0], [1.0, 7.5]),
    "fifty": (np.round(rng.normal(size=50), 4), np.round(rng.normal(0.2, 1, size=50), 4)),
    "all above": (np.arange(1, 61.0), np.zeros(60)),
    "ties": (rng.integers(0, 6, 13), rng.integers(1, 7, 13)),
    "zeros": (np.array([1, 2, 3, 4, 5, 6, 7, 8, 9.0]), np.array([1, 2, 3, 6, 4.5, 2, 7.25, 1, 2])),
    "ties and zeros": (rng.integers(0, 5, 40), rng.integers(0, 5, 40)),
    "mostly zero": ([0, 0, 0, 0, 0, 3, 1, 0], [0, 0, 0, 0, 0, 1, 2, 0]),
}
for name, (x, y) in pairs.items():
    x, y = np.asarray(x, float), np.asarray(y, float)
    d = x - y
    for alternative in alternatives:
        for zeros in ["wilcox", "pratt", "zsplit"] if (d == 0).any() else ["wilcox"]:
            exact = chosen(alternative, signed_tails(d, zeros))
            options = {"alternative": alternative, "zeros": zeros}
            if 1 < len(d) <= 13 and alternative == "two-sided":
                found = stats.wilcoxon(x, y, zero_method=zeros, alternative=alternative, method=stats.PermutationMethod(n_resamples=np.inf))
                assert math.isclose(found.pvalue, float(exact), rel_tol=1e-9), (name, found.pvalue, float(exact))
            elif len(d) > 13 and len(set(abs(d))) == len(d) and name != "all above":
                assert math.isclose(stats.wilcoxon(x, y, alternative=alternative, method="exact").pvalue, float(exact), rel_tol=1e-9)
            for correction in [True, False]:
                found = stats.wilcoxon(x, y, zero_method=zeros, alternative=alternative, method="asymptotic", correction=correction)
                case("wilcoxonSignedRank", [x, y, {**options, "method": "asymptotic", "correction": correction}], {"statistic": found.statistic, "pValue": found.pvalue})
            case("wilcoxonSignedRank", [x, y, {**options, "method": "exact"}], {"statistic": found.statistic, "pValue": exact})
            if name != "all above" and (len(d) > 13 or alternative == "two-sided" or len(set(abs(d))) == len(d) and (d != 0).all()):
                case("wilcoxonSignedRank", [x, y, options], {"pValue": stats.wilcoxon(x, y, zero_method=zeros, alternative=alternative).pvalue})


def wilcoxon_z(d):
    d = d[d != 0]
    doubled = np.rint(2 * stats.rankdata(abs(d))).astype(np.int64)
    plus, whole = int(doubled[d > 0].sum()), int(doubled.sum())
    variance = sum(int(rank) ** 2 * int(count) for rank, count in zip(*np.unique(doubled, return_counts=True)))
    return min(plus, whole - plus) / 2, abs(mpmath.mpf(2 * plus - whole)) / 4 / mpmath.sqrt(mpmath.mpf(variance) / 16)


for x, y in [long[0], long[2]]:
    statistic, z = wilcoxon_z(x.values - y.values)
    case("wilcoxonSignedRank", [x.given, y.given], {"statistic": statistic, "pValue": 2 * tail(z)})

# Welch
def moments(values):
    """Mean, variance and number; a long sample holds thousandths, whose sums are whole numbers."""
    if len(values) > 10_000:
        whole = [int(v) for v in np.rint(values * 1000)]
        n, total, squares = len(whole), sum(whole), sum(v * v for v in whole)
        return mpmath.mpf(total) / n / 1000, mpmath.mpf(squares * n - total * total) / n / (n - 1) / 10**6, n
    values = [mpmath.mpf(float(v)) for v in values]
    mean = mpmath.fsum(values) / len(values)
    return mean, mpmath.fsum((v - mean) ** 2 for v in values) / (len(values) - 1), len(values)


for x, y in [
    (np.round(rng.normal(size=8), 3), np.round(rng.normal(0.7, 3, size=15), 3)),
    ([1.0, 2.0], [3.0, 3.5]),
    ([5.0, 5.0, 5.0], [5.1, 4.9, 5.3, 5.0]),
    (1e9 + np.arange(20.0), 1e9 + 3 + 2 * np.arange(30.0)),
    (np.arange(50.0), 1000 + np.arange(40.0) * 1.5),
    (1e-100 * np.arange(1.0, 6), 1e-100 * np.arange(3.0, 12)),
    (Sequence(1_000_000, 7919, 0, 1_000_003, 1000), Sequence(900_000, 104729, 500, 1_010_003, 1000)),
]:
    a, b = numbers(x), numbers(y)
    (mean_a, var_a, n), (mean_b, var_b, m) = moments(a), moments(b)
    va, vb = var_a / n, var_b / m
    df = (va + vb) ** 2 / (va**2 / (n - 1) + vb**2 / (m - 1))
    t = (mean_a - mean_b) / mpmath.sqrt(va + vb)
    p = mpmath.betainc(df / 2, mpmath.mpf(1) / 2, 0, df / (df + t * t), regularized=True) if df < 1e4 else 2 * mpmath.mpf(stats.t.sf(float(abs(t)), float(df)))
    assert math.isclose(stats.ttest_ind(a, b, equal_var=False).statistic, float(t), rel_tol=1e-6)
    for confidence in [0.95, 0.99]:
        half = stats.t.ppf(0.5 + confidence / 2, float(df)) * mpmath.sqrt(va + vb)
        expected = {"statistic": t, "df": df, "pValue": p, "difference": mean_a - mean_b, "low": mean_a - mean_b - half, "high": mean_a - mean_b + half}
        case("welchTTest", [given(x), given(y), {"confidence": confidence}], expected)

# Friedman
for blocks in [
    np.round(rng.normal(size=(3, 8)) + np.arange(3)[:, None] * 0.4, 2),
    rng.integers(0, 4, (4, 15)),
    rng.integers(0, 2, (5, 30)),
    np.arange(3)[:, None] + np.zeros((3, 40)),
    np.round(rng.normal(size=(10, 6)), 2),
    [[1, 2, 3, 3], [2, 2, 3, 1], [2, 1, 3, 2]],
    np.array([[1.0], [2.0], [3.0]]),
    np.round(rng.normal(size=(3, 600)) + np.arange(3)[:, None] * 2, 2),
]:
    found = stats.friedmanchisquare(*blocks)
    case("friedman", [blocks], {"statistic": found.statistic, "pValue": stats.chi2.sf(found.statistic, len(blocks) - 1), "df": len(blocks) - 1, "kendallW": found.statistic / len(blocks[0]) / (len(blocks) - 1)})

# Cochran's Q
for matrix in [
    rng.integers(0, 2, (12, 3)),
    (rng.random((60, 4)) < [0.6, 0.7, 0.75, 0.8]).astype(int),
    (rng.random((300, 10)) < np.linspace(0.2, 0.9, 10)).astype(int),
    [[1, 0, 0]],
    [[1, 1, 1], [0, 0, 0], [1, 0, 1]],
    [[1, 0]] * 9 + [[0, 1]] * 3 + [[1, 1]] * 5,
]:
    found = contingency_tables.cochrans_q(np.array(matrix))
    case("cochranQ", [matrix], {"statistic": found.statistic, "pValue": found.pvalue, "df": found.df})

# Bowker, Stuart-Maxwell
for table in [
    [[20, 10, 5], [3, 30, 15], [0, 5, 40]],
    [[8, 1], [9, 4]],
    [[0, 5], [5, 0]],
    rng.integers(0, 30, (5, 5)),
    [[1000, 3, 1, 0], [2, 900, 0, 5], [7, 1, 800, 1], [1, 2, 30, 4]],
    [[10, 400, 2], [100, 10, 3], [2, 3, 10]],
    [[0, 10**6, 5], [10**6 - 4000, 7, 10**5], [9, 10**5, 1]],
]:
    square = contingency_tables.SquareTable(np.array(table, float), shift_zeros=False)
    found = square.symmetry()
    case("bowker", [table], {"statistic": found.statistic, "pValue": stats.chi2.sf(found.statistic, found.df), "df": found.df})
    found = square.homogeneity()
    case("stuartMaxwell", [table], {"statistic": found.statistic, "pValue": stats.chi2.sf(found.statistic, found.df), "df": found.df})

# Paired permutations
for a, b in [
    (np.round(rng.normal(size=9), 2), np.round(rng.normal(0.4, 1, size=9), 2)),
    (np.round(rng.normal(size=12), 2), np.round(rng.normal(0.9, 1, size=12), 2)),
    (rng.integers(0, 5, 11), rng.integers(0, 6, 11)),
    ([0.1, 0.2, 0.3], [0.4, 0.5, 0.6]),
    ([1.0, 2.0], [1.0, 2.5]),
    ([0.5], [0.25]),
]:
    a, b = np.asarray(a, float), np.asarray(b, float)
    size = np.abs(b - a)
    seen = abs((b - a).sum())
    sums = [abs(sum(s * v for s, v in zip(signs, size))) for signs in itertools.product([-1, 1], repeat=len(size))]
    expected = sum(total >= seen - 1e-12 * size.sum() for total in sums) / len(sums)
    if len(a) > 1:
        found = stats.permutation_test((b, a), lambda x, y, axis: (x - y).mean(axis), permutation_type="samples", vectorized=True, n_resamples=np.inf)
        assert math.isclose(found.pvalue, expected, rel_tol=1e-9), (found.pvalue, expected)
    case("pairedPermutation", [{"a": a, "b": b}], {"statistic": (b - a).mean(), "pValue": expected})

# Agreement and average precision
for n, k in [(15, 2), (60, 3), (300, 10), (40, 4)]:
    labels = rng.integers(0, k, n)
    predictions = np.where(rng.random(n) < 0.6, labels, rng.integers(0, k, n))
    labels[:k] = predictions[:k] = np.arange(k)
    for weights in [None, "linear", "quadratic"]:
        case("cohenKappa", [labels, predictions, {} if weights is None else {"weights": weights}], metrics.cohen_kappa_score(labels, predictions, weights=weights))
    table = metrics.confusion_matrix(labels, predictions)
    assert math.isclose(inter_rater.cohens_kappa(table, return_results=False), metrics.cohen_kappa_score(labels, predictions), rel_tol=1e-9)
    case("matthewsCorrelation", [labels, predictions], metrics.matthews_corrcoef(labels, predictions))
    case("matthewsCorrelation", [labels, (labels + 1) % k, {"classes": k + 2}], metrics.matthews_corrcoef(labels, (labels + 1) % k))
    for digits in [1, 6]:
        scores = np.round(rng.random((n, k)) * 0.6 + np.eye(k)[labels] * 0.4, digits)
        if k == 2:
            case("averagePrecision", [labels, scores[:, 1]], metrics.average_precision_score(labels, scores[:, 1]))
        else:
            for average in ["macro", "weighted"]:
                case("averagePrecision", [labels, scores.ravel(), {"classes": k, "average": average}], metrics.average_precision_score(np.eye(k)[labels], scores, average=average))
labels, predictions, scores = Sequence(1_000_000, 7919, 0, 2), Sequence(1_000_000, 104729, 1, 3), Sequence(1_000_000, 104729, 1, 1009)
whole = (predictions.values == 2).astype(int)
case("cohenKappa", [labels.given, predictions.given], metrics.cohen_kappa_score(labels.values.astype(int), predictions.values.astype(int)))
case("matthewsCorrelation", [labels.given, predictions.given], metrics.matthews_corrcoef(labels.values.astype(int), predictions.values.astype(int)))
case("averagePrecision", [labels.given, scores.given], metrics.average_precision_score(labels.values.astype(int), scores.values))
for labels, scores in [([1], [0.3]), ([0, 1, 1], [0.5, 0.5, 0.5]), ([1] + [0] * 999, [0.0] + [1.0] * 999), ([1, 0, 1], [3.0, 2.0, 1.0])]:
    case("averagePrecision", [labels, scores], metrics.average_precision_score(labels, scores))

# Intervals of two proportions
for k1, n1, k2, n2 in [(56, 70, 48, 80), (9, 10, 3, 10), (500, 1000, 480, 1000), (3, 7, 1, 30), (1, 1_000_000, 12, 1_000_000)]:
    for method, name in [("newcomb", "newcombe"), ("agresti-caffo", "agresti-caffo"), ("wald", "wald")]:
        for confidence in [0.9, 0.95]:
            low, high = confint_proportions_2indep(k1, n1, k2, n2, method=method, compare="diff", alpha=1 - confidence)
            if low >= -1 and high <= 1:
                case("twoProportionInterval", [k1, n1, k2, n2, {"method": name, "confidence": confidence}], {"low": low, "high": high}, 1e-8 if n1 > 1e5 else 1e-9)

versions = {"python": sys.version.split()[0], "numpy": np.__version__, "scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "scikit-learn": sklearn.__version__, "mpmath": mpmath.__version__}
path = pathlib.Path(__file__).with_name("tests.json")
path.write_text('{"versions": ' + json.dumps(versions) + ',\n"cases": [\n' + ",\n".join(json.dumps(entry) for entry in cases) + "\n]}\n")
print(f"{len(cases)} cases, {path.stat().st_size} bytes")
