"""Writes golden.json: values of scipy, scikit-learn and mpmath that test/stats/golden.test.ts holds src/stats to.

Run with a Python that has numpy, scipy, scikit-learn and mpmath:  python test/reference/make.py
"""
import json
import math
import pathlib
import sys

import mpmath
import numpy as np
import scipy
import sklearn
from scipy import special, stats
from scipy.spatial import distance
from sklearn import metrics

mpmath.mp.dps = 50
rng = np.random.default_rng(20240501)
cases = []


def case(function, args, expected, tolerance=1e-9):
    """expected: a number, or an object of which each key is compared."""
    cases.append({"function": function, "args": clean(args), "expected": clean(expected), "tolerance": tolerance})


def clean(value):
    if isinstance(value, dict):
        return {key: clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [clean(item) for item in value]
    if isinstance(value, (np.integer,)):
        return int(value)
    if isinstance(value, (float, np.floating, mpmath.mpf)):
        number = float(value)
        return str(number) if math.isinf(number) or math.isnan(number) else number
    return value


def ibeta(a, b, x):
    """Regularised incomplete beta by its series of positive terms, in 50 digits."""
    a, b, x = mpmath.mpf(a), mpmath.mpf(b), mpmath.mpf(x)
    if x > a / (a + b):
        return 1 - ibeta(b, a, 1 - x)
    term = total = mpmath.mpf(1)
    n = 0
    while term > total * mpmath.mpf(10) ** -45:
        term *= (a + b + n) / (a + 1 + n) * x
        total += term
        n += 1
    return mpmath.exp(a * mpmath.log(x) + b * mpmath.log(1 - x) - mpmath.loggamma(a) - mpmath.loggamma(b) + mpmath.loggamma(a + b)) / a * total


for x in [1e-8, 0.1, 0.5, 0.999, 1.0001, 1.5, 2.0, 2.001, 3.7, 9.5, 15.2, 171.5, 1e4, 1e9]:
    case("logGamma", [x], mpmath.loggamma(x), 1e-13 if abs(x - 1) > 0.01 and abs(x - 2) > 0.01 else 1e-12)
for x in [-5, -1, -0.1, 0, 0.2, 0.8, 1.4, 1.6, 3, 5.5, 10, 26]:
    case("erfc", [x], mpmath.erfc(x), 1e-12)
for x in [-37, -20, -8.2, -3, -1, 0, 0.5, 2, 6]:
    case("normalCdf", [x], mpmath.ncdf(x), 1e-12)
for p in [1e-300, 1e-100, 1e-20, 1e-9, 0.001, 0.025, 0.3, 0.5, 0.6, 0.975, 0.999999]:
    case("normalQuantile", [p], special.ndtri(p), 1e-13)
for a, x in [(0.5, 0.01), (0.5, 3), (2, 40), (10, 3), (10, 9.5), (10, 60), (500, 480), (500, 650), (1e5, 1.002e5), (0.1, 1e-5)]:
    case("incompleteGamma", [a, x], {"lower": mpmath.gammainc(a, 0, x, regularized=True), "upper": mpmath.gammainc(a, x, regularized=True)}, 1e-11)
for a, b, x in [(0.5, 0.5, 0.1), (2, 3, 0.4), (20, 0.5, 0.99), (0.5, 200, 1e-4), (100, 120, 0.3), (100, 120, 0.5), (5000, 5000, 0.49), (3, 1e4, 1e-3), (0.1, 0.2, 0.7), (1e5, 2e5, 0.332), (1, 1, 0.3)]:
    case("incompleteBeta", [a, b, x], ibeta(a, b, x), 1e-11)
for x, df in [(-40, 3), (-3, 1), (-2, 5), (0.5, 2.5), (1.96, 1e6), (4, 30), (-12, 200), (0, 4), (-1e-9, 7)]:
    case("tCdf", [x, df], stats.t.cdf(x, df) if x > -10 else mpmath.mpf(ibeta(mpmath.mpf(df) / 2, 0.5, df / (df + mpmath.mpf(x) ** 2))) / 2, 1e-11)
for p, df in [(1e-10, 3), (0.025, 4), (0.975, 4), (0.4, 1), (0.45, 12), (0.975, 1e6), (0.995, 2.3), (1e-4, 500)]:
    case("tQuantile", [p, df], stats.t.ppf(p, df), 1e-10)
for x, df in [(0.1, 1), (3.84, 1), (7, 3), (1e-5, 4), (100, 120), (10300, 10000)]:
    case("chiSquareCdf", [x, df], stats.chi2.cdf(x, df), 1e-11)
for x, df in [(3.84, 1), (50, 1), (400, 10), (1400, 3), (10300, 10000), (0.5, 6)]:
    case("chiSquareSurvival", [x, df], mpmath.gammainc(mpmath.mpf(df) / 2, mpmath.mpf(x) / 2, regularized=True), 1e-11)
for p, df in [(1e-9, 2), (0.05, 1), (0.5, 3), (0.95, 10), (0.999999, 4), (0.975, 10000), (0.01, 0.5)]:
    case("chiSquareQuantile", [p, df], stats.chi2.ppf(p, df), 1e-10)
for x, d1, d2 in [(0.3, 2, 3), (4, 5, 10), (1, 100, 90), (30, 1, 4)]:
    case("fCdf", [x, d1, d2], stats.f.cdf(x, d1, d2), 1e-11)
for p, d1, d2 in [(0.05, 2, 3), (0.95, 5, 10), (0.999, 100, 90), (1e-6, 4, 4)]:
    case("fQuantile", [p, d1, d2], stats.f.ppf(p, d1, d2), 1e-10)
for p, a, b in [(0.025, 3, 5), (0.5, 0.5, 0.5), (0.975, 100.5, 900.5), (1e-8, 2, 40), (0.999, 1, 30), (0.01, 5000, 20)]:
    case("betaQuantile", [p, a, b], stats.beta.ppf(p, a, b), 1e-10)
for k, n, p in [(3, 10, 0.5), (0, 50, 0.01), (499, 1000, 0.5), (20, 1000, 0.05), (4, 100000, 0.0005), (100, 1000, 0.3)]:
    case("binomialCdf", [k, n, p], ibeta(n - k, k + 1, 1 - mpmath.mpf(p)), 1e-11)
for q, n, p in [(0.025, 20, 0.5), (0.975, 1000, 0.1), (0.5, 11, 0.5), (1e-6, 400, 0.3)]:
    case("binomialQuantile", [q, n, p], stats.binom.ppf(q, n, p))
for x in [0.05, 0.2, 0.5, 0.99, 1.0, 1.36, 2.5, 6]:
    case("kolmogorovSurvival", [x], special.kolmogorov(x), 1e-11)

values = np.round(rng.normal(size=23), 3)
for p in [0, 0.1, 0.5, 0.95, 1]:
    case("quantile", [values, p], np.quantile(values, p), 1e-13)

# tests
x, y = np.round(rng.normal(size=17), 2), np.round(rng.normal(0.6, 1.3, size=23), 2)
big = np.round(rng.normal(size=300), 3), np.round(rng.normal(0.15, 1, size=250), 3)
apart = np.arange(40.0), np.arange(40.0) + 35
ties = rng.integers(0, 5, 30).astype(float), rng.integers(0, 6, 40).astype(float)
for a, b in [(x, y), big, apart, ties, (x, x)]:
    for alternative in ["two-sided", "less", "greater"]:
        found = stats.ks_2samp(a, b, alternative=alternative, method="exact")
        case("ksTwoSample", [a, b, {"alternative": alternative, "method": "exact"}], {"statistic": found.statistic, "pValue": found.pvalue})
for observed, expected in [([16, 18, 16, 14, 12, 12], None), ([5, 5, 10], [4, 6, 10]), ([1000, 1, 1], [334, 334, 334])]:
    found = stats.chisquare(observed, expected)
    case("chiSquareGoodnessOfFit", [observed] + ([] if expected is None else [expected]), {"statistic": found.statistic, "pValue": found.pvalue})
for table in [[[10, 20], [30, 15]], [[1, 9], [12, 3]], [[10, 20, 30], [6, 9, 17]], [[500, 1, 3], [2, 400, 5], [9, 9, 300]], [[5, 5], [5, 5]]]:
    for correction in [True, False]:
        found = stats.chi2_contingency(table, correction=correction)
        case("chiSquareContingency", [table, {"correction": correction}], {"statistic": found.statistic, "pValue": found.pvalue, "df": found.dof})
for table in [[[8, 2], [1, 5]], [[0, 10], [12, 3]], [[3, 3], [3, 3]], [[100, 20], [60, 55]], [[1000, 300], [900, 1100]]]:
    for alternative in ["two-sided", "less", "greater"]:
        found = stats.fisher_exact(table, alternative=alternative)
        case("fisherExact", [table, {"alternative": alternative}], {"statistic": found.statistic, "pValue": found.pvalue})
for k, n, p in [(3, 15, 0.1), (0, 20, 0.3), (20, 20, 0.5), (55, 100, 0.5), (480, 1000, 0.5), (7, 9, 0.77), (5200, 10000, 0.5), (1, 3, 1 / 3)]:
    for alternative in ["two-sided", "less", "greater"]:
        case("binomialTest", [k, n, p, {"alternative": alternative}], {"pValue": stats.binomtest(k, n, p, alternative=alternative).pvalue})
for b, c in [(5, 15), (0, 8), (7, 7), (121, 86), (1, 0), (400, 300)]:
    table, n, least = [[100, b], [c, 30]], b + c, min(b, c)
    exact = min(1.0, 2 * stats.binom.cdf(least, n, 0.5))
    mid = min(1.0, 2 * stats.binom.cdf(least, n, 0.5) - stats.binom.pmf(least, n, 0.5))
    case("mcnemar", [table, {"method": "exact"}], {"pValue": exact})
    case("mcnemar", [table, {"method": "mid-p"}], {"pValue": mid})
    case("mcnemar", [table, {"method": "asymptotic"}], {"statistic": (b - c) ** 2 / n, "pValue": stats.chi2.sf((b - c) ** 2 / n, 1)})
    if b != c:
        case("mcnemar", [table, {"method": "corrected"}], {"pValue": stats.chi2.sf((abs(b - c) - 1) ** 2 / n, 1)})
found = stats.ttest_rel(x, y[:17])
interval = found.confidence_interval(0.95)
case("pairedTTest", [x, y[:17]], {"statistic": found.statistic, "pValue": found.pvalue, "low": interval.low, "high": interval.high})
ps = [0.01, 0.04, 0.03, 0.005, 0.5, 0.03]
for method, expected in {
    "benjamini-hochberg": stats.false_discovery_control(ps, method="bh"),
    "benjamini-yekutieli": stats.false_discovery_control(ps, method="by"),
}.items():
    case("adjustPValues", [ps, method], list(expected))

# intervals
for k, n in [(0, 10), (10, 10), (3, 17), (50, 100), (999, 1000), (1, 1)]:
    for confidence in [0.9, 0.95]:
        test = stats.binomtest(k, n)
        for method, name in [("wilson", "wilson"), ("exact", "clopper-pearson")]:
            found = test.proportion_ci(confidence, method=method)
            case("proportionInterval", [k, n, {"method": name, "confidence": confidence}], {"low": found.low, "high": found.high})
        tail = (1 - confidence) / 2
        low, high = stats.beta.ppf([tail, 1 - tail], k + 0.5, n - k + 0.5)
        case("proportionInterval", [k, n, {"method": "jeffreys", "confidence": confidence}], {"low": low, "high": high})

# drift
case("wasserstein1", [x, y], stats.wasserstein_distance(x, y))
case("wasserstein1", ties, stats.wasserstein_distance(*ties))
for p, q in [([1, 2, 3], [3, 2, 1]), ([0, 5, 5], [5, 5, 0]), ([4, 4], [4, 4])]:
    case("jensenShannonCounts", [p, q], distance.jensenshannon(p, q))

# metrics
for n, k in [(40, 2), (60, 3), (200, 10)]:
    labels = rng.integers(0, k, n)
    predictions = np.where(rng.random(n) < 0.7, labels, rng.integers(0, k, n))
    scores = np.round(rng.dirichlet(np.ones(k), n) + np.eye(k)[labels] * 0.4, 2) + 0.01
    scores = scores / scores.sum(1, keepdims=True)
    present = sorted(set(labels.tolist()))
    options = {"classes": k}
    case("accuracy", [labels, predictions], metrics.accuracy_score(labels, predictions))
    case("balancedAccuracy", [labels, predictions], metrics.balanced_accuracy_score(labels, predictions))
    for average in ["macro", "micro", "weighted"]:
        for beta in [0.5, 1, 2]:
            expected = metrics.fbeta_score(labels, predictions, beta=beta, average=average, labels=present)
            case("fBeta", [labels, predictions, {**options, "average": average, "beta": beta}], expected)
        case("precision", [labels, predictions, {**options, "average": average}], metrics.precision_score(labels, predictions, average=average, labels=present))
        case("recall", [labels, predictions, {**options, "average": average}], metrics.recall_score(labels, predictions, average=average, labels=present))
    case("logLoss", [labels, scores.ravel(), options], metrics.log_loss(labels, scores, labels=list(range(k))))
    if k == 2:
        case("rocAuc", [labels, scores[:, 1]], metrics.roc_auc_score(labels, scores[:, 1]))
        case("brierScore", [labels, scores[:, 1]], metrics.brier_score_loss(labels, scores[:, 1]))
    else:
        for average in ["macro", "weighted"]:
            case("rocAuc", [labels, scores.ravel(), {**options, "average": average}], metrics.roc_auc_score(labels, scores, multi_class="ovr", average=average))
        case("brierScore", [labels, scores.ravel(), options], np.mean(((scores - np.eye(k)[labels]) ** 2).sum(1)))
    case("confusionMatrix", [labels, predictions, options], metrics.confusion_matrix(labels, predictions))

# DeLong by its definition, in numpy
labels = np.array([0, 1] * 15 + [1, 1, 0])
a, b = np.round(rng.normal(labels * 1.0, 1), 1), np.round(rng.normal(labels * 1.6, 1), 1)
kernels = []
for scores in (a, b):
    pos, neg = scores[labels == 1][:, None], scores[labels == 0][None, :]
    kernels.append((pos > neg) + 0.5 * (pos == neg))
kernels = np.array(kernels)
covariance = np.cov(kernels.mean(2)) / (labels == 1).sum() + np.cov(kernels.mean(1)) / (labels == 0).sum()
auc = kernels.mean((1, 2))
variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
z = (auc[1] - auc[0]) / math.sqrt(variance)
case("delong", [labels, a, b], {"aucA": auc[0], "aucB": auc[1], "variance": variance, "covariance": covariance, "z": z, "pValue": 2 * stats.norm.sf(abs(z))})

versions = {"python": sys.version.split()[0], "numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__, "mpmath": mpmath.__version__}
path = pathlib.Path(__file__).with_name("golden.json")
path.write_text('{"versions": ' + json.dumps(versions) + ',\n"cases": [\n' + ",\n".join(json.dumps(entry) for entry in cases) + "\n]}\n")
print(f"{len(cases)} cases, {path.stat().st_size} bytes")
