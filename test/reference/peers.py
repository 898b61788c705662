"""Writes peers.json: values of scipy, statsmodels, scikit-learn and of definitions written out in NumPy and fractions, for what make.py and
tests.py leave out, edges first: n of 1 and 1e7, ties, zeros, empty classes, p near 0 and 1. test/stats/golden.test.ts holds src/stats to them.

Run with a Python that has numpy, scipy, statsmodels, scikit-learn and mpmath:  python test/reference/peers.py
"""
import json
import math
import pathlib
import warnings
from fractions import Fraction

import mpmath
import numpy as np
import pandas as pd
import scipy
import sklearn
import statsmodels
import statsmodels.formula.api as smf
from scipy import stats
from sklearn import metrics
from statsmodels.stats import contingency_tables, power
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

warnings.simplefilter("ignore")
mpmath.mp.dps = 50
rng = np.random.default_rng(20261121)
cases = []


def case(function, args, expected, tolerance=1e-9):
    """expected: a number, null for an undefined one, or a list or object of them of which each key is compared."""
    cases.append({"function": function, "args": clean(args), "expected": clean(expected), "tolerance": tolerance})


def clean(value):
    if isinstance(value, dict):
        return {key: clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [clean(item) for item in value]
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, (float, np.floating, Fraction, mpmath.mpf)):
        number = float(value)
        return None if math.isnan(number) else str(number) if math.isinf(number) else number
    return value


def sequence(n, multiplier, add, modulus, scale=1):
    """(multiplier * i + add) mod modulus over scale: a long sample that both sides compute."""
    return {"sequence": [n, multiplier, add, modulus, scale]}, (np.arange(n) * multiplier + add) % modulus / scale


def share(top, bottom):
    return top / bottom if bottom else None


# Counts
for observed, expected in [([1, 0], None), ([0, 0, 9], None), ([10**7, 10**7 + 4000], None), ([5, 5, 5, 5], None), ([1] * 50, None), ([3, 7, 0, 90], [10.0, 20.0, 30.0, 40.0]), ([10**6, 1, 1], [10**6 + 1.5, 0.25, 0.25])]:
    found = stats.chisquare(observed, expected)
    case("chiSquareGoodnessOfFit", [observed] + ([] if expected is None else [expected]), {"statistic": found.statistic, "pValue": found.pvalue, "df": len(observed) - 1})
for table in [[[10**7, 3], [10**7, 9]], [[1, 0], [0, 1]], [[400, 1], [1, 400]], [[3, 0, 5], [0, 2, 9]], rng.integers(1, 60, (6, 7)), [[7, 8, 9]], [[10**6, 10**6 + 3000], [10**6, 10**6]]]:
    for correction in [True, False]:
        found = stats.chi2_contingency(table, correction=correction)
        case("chiSquareContingency", [table, {"correction": correction}], {"statistic": found.statistic, "pValue": found.pvalue, "df": found.dof, "expected": found.expected_freq, "cramersV": stats.contingency.association(np.array(table), correction=False) if min(np.shape(table)) > 1 else 0})
    found = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
    case("gTest", [table], {"statistic": found.statistic, "pValue": found.pvalue, "df": found.dof}, 1e-8 if np.sum(table) > 1e6 else 1e-9)
for table in [[[0, 0], [0, 0]], [[0, 0], [3, 4]], [[1, 0], [0, 1]], [[1, 0], [0, 0]], [[500, 0], [0, 500]], [[10**7, 12], [10**7, 40]], [[3, 10**6], [14, 10**6]], [[2, 2], [2, 2]]]:
    for alternative in ["two-sided", "less", "greater"]:
        found = stats.fisher_exact(table, alternative=alternative)
        a, b, c, d = [int(v) for row in table for v in row]
        whole = a + b + c + d
        if whole <= 2000:
            # By whole numbers: scipy loses digits in far tails.
            weights = {k: math.comb(a + b, k) * math.comb(c + d, a + c - k) for k in range(max(0, a - d), min(a + b, a + c) + 1)}
            seen = weights[a]
            chosen = sum(w for k, w in weights.items() if (k <= a if alternative == "less" else k >= a if alternative == "greater" else w <= seen))
            p = Fraction(chosen, sum(weights.values()))
        else:
            p = found.pvalue
        case("fisherExact", [table, {"alternative": alternative}], {"pValue": p} | ({} if b * c == 0 else {"statistic": Fraction(a * d, b * c)}), 1e-9 if whole <= 2000 else 1e-7)
for b, c in [(0, 0), (1, 1), (10**7, 10**7 + 9000), (0, 900), (3, 900), (10**6, 10**6 - 1)]:
    for exact, corrected, name in [(True, True, "exact"), (False, True, "corrected"), (False, False, "asymptotic")]:
        if b + c == 0 and not exact or b == c and corrected:
            continue
        found = contingency_tables.mcnemar([[50, b], [c, 8]], exact=exact, correction=corrected)
        p = 2 * mpmath.fsum(mpmath.binomial(b + c, k) for k in range(min(b, c) + 1)) / mpmath.mpf(2) ** (b + c) if exact and b + c < 2000 else found.pvalue
        case("mcnemar", [[[50, b], [c, 8]], {"method": name}], {"statistic": found.statistic, "pValue": min(1, p)}, 1e-8 if b + c > 1e6 else 1e-9)
for counts, weights in [([500, 520], [1, 1]), ([5000, 5200], [1, 1]), ([9000, 1000], [0.9, 0.1]), ([10**7, 10**7 + 12000], [1, 1]), ([10, 20, 30], [1, 1, 2]), ([0, 0], [1, 3]), ([1, 0], [1, 1])]:
    whole, total = sum(counts), sum(weights)
    expected = np.array(weights) * whole / total
    found = stats.chisquare(counts, expected) if whole else None
    off = float(np.max(np.abs(counts / expected - 1))) if whole else 0
    p = found.pvalue if whole else 1
    case("sampleRatio", [counts, weights], {"statistic": found.statistic if whole else 0, "pValue": p, "maxDeviation": off, "status": "fail" if p < 0.001 and off >= 0.01 else "pass"})

# Intervals
for k, n in [(0, 1), (1, 1), (0, 10**7), (3, 10**7), (10**7, 10**7), (5_000_000, 10**7), (2, 7), (119, 120)]:
    for name, method in [("wilson", "wilson"), ("agresti-coull", "agresti_coull"), ("wald", "normal"), ("jeffreys", "jeffreys"), ("clopper-pearson", "beta")]:
        for confidence in [0.8, 0.999]:
            low, high = proportion_confint(k, n, alpha=1 - confidence, method=method)
            low, high = 0.0 if k == 0 and name in ("wilson", "clopper-pearson") else low, 1.0 if k == n and name in ("wilson", "clopper-pearson") else high
            case("proportionInterval", [k, n, {"method": name, "confidence": confidence}], {"low": low, "high": high}, 1e-8 if n > 1e6 else 1e-9)
values = np.round(rng.normal(size=57), 3)
for x, p, confidence in [(values, 0.5, 0.95), (values, 0.1, 0.9), (values, 0.9, 0.95), (values, 0.99, 0.95), ([3.0], 0.5, 0.95), (rng.integers(0, 4, 80).astype(float), 0.25, 0.99), (np.arange(600.0), 0.99, 0.99), (np.arange(6.0), 0.5, 0.95)]:
    ordered, n, tail = sorted(x), len(x), (1 - confidence) / 2
    low = max([r for r in range(1, n + 1) if stats.binom.cdf(r - 1, n, p) <= tail], default=None)
    high = min([s for s in range(1, n + 1) if stats.binom.sf(s - 1, n, p) <= tail], default=None)
    case("quantileInterval", [x, p, {"confidence": confidence}], None if low is None or high is None else {"low": ordered[low - 1], "high": ordered[high - 1]})
for a, b in [([0.8, 0.9, 0.7], [0.9, 0.95, 0.7]), ([1], [2]), ([1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1]), (values[:20], values[20:40])]:
    n = len(a)
    wins = sum(1 if y > x else 0.5 if y == x else 0 for x, y in zip(a, b))
    low, high = proportion_confint(wins, n, method="wilson")
    case("probabilityOfImprovement", [a, b], {"estimate": wins / n, "low": 0.0 if wins == 0 else low, "high": 1.0 if wins == n else high})
    u = stats.mannwhitneyu(b, a).statistic
    case("probabilityOfImprovement", [a, b, {"paired": False}], {"estimate": u / n / n})

# Variance components: the mean squares of statsmodels' analysis of variance of the differences by seed and row.
for seeds, rows, between, digits in [(5, 40, 0.02, 3), (2, 6, 0.1, 2), (10, 25, 0, 0), (3, 2, 0.5, 2)]:
    a = np.round(rng.random((seeds, rows)), digits)
    b = np.round(a * 0.5 + rng.random((seeds, rows)) * 0.6 + rng.normal(0, between, (seeds, 1)), digits)
    d = b - a
    frame = pd.DataFrame({"d": d.ravel(), "seed": np.repeat(np.arange(seeds), rows), "row": np.tile(np.arange(rows), seeds)})
    table = anova_lm(smf.ols("d ~ C(seed) + C(row)", frame).fit())
    mean_squares = table["mean_sq"]
    v_seed, v_row, rest = (mean_squares[key] / (seeds * rows) for key in ("C(seed)", "C(row)", "Residual"))
    v = max(v_row + v_seed - rest, v_row, v_seed)
    df = max(min(seeds, rows) - 1, v**2 / (v_row**2 / (rows - 1) + v_seed**2 / (seeds - 1) + rest**2 / (rows - 1) / (seeds - 1)))
    half = stats.t.ppf(0.975, df) * math.sqrt(v)
    expected = {"difference": d.mean(), "rows": v_row, "seeds": v_seed, "residual": rest, "df": df, "low": d.mean() - half, "high": d.mean() + half, "pValue": 2 * stats.t.sf(abs(d.mean()) / math.sqrt(v), df)}
    case("varianceComponents", [{"correct" if digits == 0 and set(np.unique(b)) <= {0, 1} else "values": {"a": a, "b": b}}], expected)
    case("varianceComponentsInfluence", [{"metricA": a.mean(1), "metricB": b.mean(1), "influenceA": a - a.mean(1, keepdims=True), "influenceB": b - b.mean(1, keepdims=True)}], expected)

# p values at once
for p in [np.round(rng.random(40) ** 4, 6), [0.05, 0.05, 0.05], [0, 1, 0.5], [1e-300, 1e-20, 0.9], [0.3]]:
    for name, method in [("bonferroni", "bonferroni"), ("holm", "holm"), ("hochberg", "simes-hochberg"), ("hommel", "hommel"), ("benjamini-hochberg", "fdr_bh"), ("benjamini-yekutieli", "fdr_by")]:
        # statsmodels' Hommel is at fault beyond these; R's stands in r.json.
        if name != "hommel" or len(p) == 3:
            case("adjustPValues", [p, name], multipletests(p, method=method)[1])

# Paired t
for x, y in [([1.0, 2.0], [2.0, 2.5]), (1e8 + np.arange(12.0), 1e8 + np.arange(12.0) ** 1.1), (np.round(rng.normal(size=40), 3), np.round(rng.normal(1, 1, 40), 3)), (1e-150 * np.arange(1.0, 6), 1e-150 * np.array([2, 2, 1, 5, 9.0]))]:
    gaps = [mpmath.mpf(float(v)) - mpmath.mpf(float(w)) for v, w in zip(x, y)]
    n = len(gaps)
    mean = mpmath.fsum(gaps) / n
    error = mpmath.sqrt(mpmath.fsum((g - mean) ** 2 for g in gaps) / (n - 1) / n)
    t = mean / error
    for confidence in [0.5, 0.95]:
        half = stats.t.ppf(0.5 + confidence / 2, n - 1) * error
        case("pairedTTest", [x, y, {"confidence": confidence}], {"statistic": t, "pValue": 2 * stats.t.sf(abs(float(t)), n - 1), "df": n - 1, "difference": mean, "standardError": error, "low": mean - half, "high": mean + half})

# Two samples
for x, y in [([1.0], [2.0]), ([1.0, 1.0, 1.0], [1.0, 1.0]), (np.arange(200.0), np.arange(180.0) + 60), (rng.integers(0, 3, 90).astype(float), rng.integers(0, 3, 110).astype(float))]:
    for alternative in ["two-sided", "less", "greater"]:
        found = stats.ks_2samp(x, y, alternative=alternative, method="exact")
        case("ksTwoSample", [x, y, {"alternative": alternative, "method": "exact"}], {"statistic": found.statistic, "pValue": found.pvalue})
for (left, x), (right, y) in [(sequence(1_000_000, 7919, 0, 1_000_003), sequence(1_000_000, 104729, 500, 1_001_003)), (sequence(100_000, 7919, 0, 7), sequence(90_000, 104729, 2, 8))]:
    for alternative in ["two-sided", "less", "greater"]:
        found = stats.ks_2samp(x, y, alternative=alternative, method="asymp")
        case("ksTwoSample", [left, right, {"alternative": alternative, "method": "asymptotic"}], {"statistic": found.statistic, "pValue": found.pvalue}, 1e-8)
    case("wasserstein1", [left, right], stats.wasserstein_distance(x, y))
    case("quantile", [left, 0.123456], np.quantile(x, 0.123456))
for n, m, shift in [(4, 7, 0.5), (10, 10, 0), (50, 60, 0.3), (50, 60, 2), (280, 260, 0.1), (300, 300, 0.05), (300, 300, 0.5), (900, 700, 0.02), (900, 700, 0.1)]:
    x, y = np.round(rng.normal(size=n), 3), np.round(rng.normal(shift, 1, m), 3)
    for alternative in ["two-sided", "less"]:
        found = stats.ks_2samp(x, y, alternative=alternative, method="asymp")
        case("ksTwoSample", [x, y, {"alternative": alternative, "method": "asymptotic"}], {"statistic": found.statistic, "pValue": found.pvalue})
for x, y in [([1.0], [1.0]), ([1.0], [4.0]), ([0, 0, 1.0], [5.0]), (np.round(rng.normal(size=31), 2), np.round(rng.normal(size=17), 2))]:
    case("wasserstein1", [x, y], stats.wasserstein_distance(x, y))

# Shares of bins and categories
eps = 1e-4
for p, q in [([10, 20, 30], [12, 18, 33]), ([5, 0, 0], [0, 0, 5]), ([1, 0, 2], [3, 0, 0]), ([1], [9]), ([10**7, 10**7], [10**7, 10**7 + 8000])]:
    a, b = np.array(p) / sum(p), np.array(q) / sum(q)
    used = (a + b) > 0
    fa, fb = np.maximum(a[used], eps), np.maximum(b[used], eps)
    value = float(np.sum((fb - fa) * np.log(fb / fa)))
    statistic = value * sum(p) * sum(q) / (sum(p) + sum(q))
    df = int(used.sum()) - 1
    case("psiCountsTest", [p, q], {"psi": value, "statistic": statistic, "df": df, "pValue": stats.chi2.sf(statistic, df) if df else 1}, 1e-8)
    case("hellingerCounts", [p, q], math.sqrt(float(np.sum((np.sqrt(a) - np.sqrt(b)) ** 2)) / 2), 1e-8)
    case("lInfinityCounts", [p, q], float(np.max(np.abs(a - b))), 1e-8)
    case("jensenShannonCounts", [p, q], scipy.spatial.distance.jensenshannon(p, q), 1e-6)
reference, current = np.round(rng.gamma(2, 2, 300), 2), np.round(rng.gamma(2.4, 2, 260), 2)
for bins, strategy in [(10, "equal-frequency"), (5, "equal-frequency"), (8, "equal-width"), (2, "equal-width")]:
    edges = np.quantile(reference, np.arange(1, bins) / bins) if strategy == "equal-frequency" else reference.min() + (reference.max() - reference.min()) * np.arange(1, bins) / bins
    edges = np.unique(edges)
    a, b = (np.bincount(np.searchsorted(edges, v, side="left"), minlength=len(edges) + 1) / len(v) for v in (reference, current))
    fa, fb = np.maximum(a, eps), np.maximum(b, eps)
    value = float(np.sum((fb - fa) * np.log(fb / fa)))
    options = {"bins": bins, "strategy": strategy}
    statistic = value * len(reference) * len(current) / (len(reference) + len(current))
    case("psi", [reference, current, options], value)
    case("psiTest", [reference, current, options], {"psi": value, "statistic": statistic, "df": len(edges), "pValue": stats.chi2.sf(statistic, len(edges))})
    case("jensenShannon", [reference, current, options], scipy.spatial.distance.jensenshannon(a, b))
    case("hellinger", [reference, current, options], math.sqrt(float(np.sum((np.sqrt(a) - np.sqrt(b)) ** 2)) / 2))
    case("lInfinity", [reference, current, options], float(np.max(np.abs(a - b))))
for x, w in [([1.0, 2.0, 3.0], [1, 1, 1]), (values, np.round(rng.exponential(size=57), 3)), ([5.0], [0.2]), ([1.0, 9.0], [0, 3])]:
    x, w = np.asarray(x), np.asarray(w)
    mean = np.average(x, weights=w)
    case("importanceMean", [x, w], {"hajek": mean, "horvitzThompson": (w * x).sum() / len(x), "effectiveSampleSize": w.sum() ** 2 / (w**2).sum(), "standardError": math.sqrt(((w * (x - mean)) ** 2).sum()) / w.sum(), "largestShare": w.max() / w.sum()})

# Metrics. scikit-learn gives 0 (or a warning) where a class has no rows or no prediction; here that is undefined.
def label_cases(labels, predictions, k, given=None):
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    args = given or [labels, predictions]
    if given:
        # 1e7 rows: two functions stand for all, which count rows in the same way.
        case("confusionMatrix", [*args, {"classes": k}], metrics.confusion_matrix(labels, predictions))
        case("accuracy", args, metrics.accuracy_score(labels, predictions))
        return
    table = metrics.confusion_matrix(labels, predictions, labels=list(range(k)))
    hits, rows, said = np.diag(table), table.sum(1), table.sum(0)
    case("confusionMatrix", [*args, {"classes": k}], table)
    case("accuracy", args, metrics.accuracy_score(labels, predictions))
    case("balancedAccuracy", args, metrics.balanced_accuracy_score(labels, predictions))
    each = lambda function, **options: function(labels, predictions, labels=list(range(k)), average=None, zero_division=np.nan, **options)
    case("precision", [*args, {"classes": k, "average": "none"}], each(metrics.precision_score))
    case("recall", [*args, {"classes": k, "average": "none"}], each(metrics.recall_score))
    for beta in [0, 0.5, 1, 3]:
        case("fBeta", [*args, {"classes": k, "average": "none", "beta": beta}], [share((1 + beta * beta) * int(h), beta * beta * int(r) + int(s)) for h, r, s in zip(hits, rows, said)])
    case("perClass", [*args, {"classes": k}], [{"precision": p, "recall": r, "support": n} for p, r, n in zip(each(metrics.precision_score), each(metrics.recall_score), rows)])


label_cases([0], [0], 1)
label_cases([0], [1], 2)
label_cases([1, 1, 1], [1, 1, 1], 3)
label_cases([0, 1, 2, 2, 4], [0, 2, 2, 1, 4], 6)
label_cases(rng.integers(0, 12, 300), rng.integers(0, 9, 300), 12)
(left, x), (right, y) = sequence(10_000_000, 7919, 0, 4), sequence(10_000_000, 104729, 1, 5)
label_cases(x.astype(int), y.astype(int), 5, [left, right])
for function in ["accuracy", "balancedAccuracy", "cohenKappa", "matthewsCorrelation", "precision", "recall", "fBeta", "averagePrecision", "rocAuc", "logLoss", "brierScore", "expectedCalibrationError"]:
    case(function, [[], []], None)
case("cohenKappa", [[0, 1, 2], [1, 2, 0]], metrics.cohen_kappa_score([0, 1, 2], [1, 2, 0]))


def calibration(labels, scores, bins):
    scores = np.asarray(scores)
    whole = np.column_stack([1 - scores, scores]) if scores.ndim == 1 else scores
    top, confidence = whole.argmax(1), whole.max(1)
    place = np.minimum(bins - 1, np.maximum(0, np.ceil(confidence * bins).astype(int) - 1))
    return sum(abs(float(((top == labels) - confidence)[place == b].sum())) for b in range(bins)) / len(labels)


for n, k, digits in [(1, 2, 2), (30, 2, 1), (100, 2, 6), (60, 3, 2), (60, 5, 6), (30, 10, 2)]:
    labels = rng.integers(0, k, n)
    raw = rng.random((n, k)) + np.eye(k)[labels] * 0.7
    scores = raw / raw.sum(1, keepdims=True)
    flat = np.round(scores[:, 1], digits) if k == 2 else None
    args = [labels, flat] if k == 2 else [labels, scores.ravel()]
    options = {} if k == 2 else {"classes": k}
    for bins in [1, 15]:
        case("expectedCalibrationError", [*args, {**options, "bins": bins}], calibration(labels, flat if k == 2 else scores, bins))
    case("logLoss", [*args, options], metrics.log_loss(labels, flat if k == 2 else scores, labels=list(range(k))))
    case("brierScore", [*args, options], metrics.brier_score_loss(labels, flat) if k == 2 and n > 1 else float(np.mean((flat - labels) ** 2)) if k == 2 else float(np.mean(((scores - np.eye(k)[labels]) ** 2).sum(1))))
    present = [c for c in range(k) if (labels == c).any()]
    if k == 2:
        both = len(present) == 2
        value = metrics.roc_auc_score(labels, flat) if both else None
        case("rocAuc", args, value)
        case("rocAuc", [*args, {"average": "none"}], [value, value])
        case("rocAuc", [*args, {"multiclass": "ovo"}], value)
        case("averagePrecision", [*args, {"average": "none"}], [metrics.average_precision_score(1 - labels, -flat) if (labels == 0).any() else None, metrics.average_precision_score(labels, flat) if (labels == 1).any() else None])
    else:
        rough = np.round(scores, digits)
        case("rocAuc", [labels, rough.ravel(), {**options, "average": "none"}], [metrics.roc_auc_score(labels == c, rough[:, c]) if c in present else None for c in range(k)])
        case("averagePrecision", [labels, rough.ravel(), {**options, "average": "none"}], [metrics.average_precision_score(labels == c, rough[:, c]) if c in present else None for c in range(k)])
        if len(present) == k:
            for average in ["macro", "weighted"]:
                case("rocAuc", [labels, scores.ravel(), {**options, "multiclass": "ovo", "average": average}], metrics.roc_auc_score(labels, scores, multi_class="ovo", average=average))
case("logLoss", [[1, 0], [1.0, 0.0]], metrics.log_loss([1, 0], [1.0, 0.0]), 1e-6)
case("logLoss", [[1, 0], [0.0, 0.5]], metrics.log_loss([1, 0], [0.0, 0.5]))
case("rocAuc", [[0, 1, 1, 0], [0.5, 0.5, 0.5, 0.5]], 0.5)
(left, x), (right, y) = sequence(1_000_000, 7919, 0, 2), sequence(1_000_000, 104729, 1, 1009, 1009)
case("rocAuc", [left, right], metrics.roc_auc_score(x.astype(int), y))
case("logLoss", [left, right], metrics.log_loss(x.astype(int), y), 1e-8)
case("brierScore", [left, right], metrics.brier_score_loss(x.astype(int), y), 1e-9)

# Planning and posteriors
for effect, n, ratio in [(0.3, 50, 1), (1.2, 8, 1), (0.02, 30000, 1)]:
    case("powerMeans", [{"standardDeviation": 1, "difference": effect, "n": n, "test": "t"}], power.TTestIndPower().power(effect, n, 0.05), 1e-8)
    case("powerMeans", [{"standardDeviation": 2, "difference": 2 * effect, "n": n}], power.NormalIndPower().power(effect, n, 0.05), 1e-9)
    case("sampleSizeMeans", [{"standardDeviation": 1, "difference": effect, "test": "t", "power": 0.9}], math.ceil(power.TTestIndPower().solve_power(effect, power=0.9, alpha=0.05)))
    z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    case("sampleSizeMeans", [{"standardDeviation": 3, "difference": effect, "paired": True}], math.ceil((3 * z / effect) ** 2))
    case("detectableDifferenceOfMean", [{"standardError": effect}], z * effect)
    case("detectableDifferenceOfMean", [{"standardError": effect, "df": n, "alpha": 0.01, "power": 0.95}], effect * (stats.t.ppf(0.995, n) + stats.t.ppf(0.95, n)))
for discordance, difference in [(0.1, 0.01), (0.1, 0.1), (0.02, 0.001), (0.5, 0.05)]:
    for alpha, wanted in [(0.05, 0.8), (0.001, 0.99)]:
        z1, z2 = stats.norm.ppf(1 - alpha / 2), stats.norm.ppf(wanted)
        rows = ((z1 * math.sqrt(discordance) + z2 * math.sqrt(discordance - difference**2)) / difference) ** 2
        given = {"discordance": discordance, "alpha": alpha, "power": wanted}
        case("sampleSizePairedProportions", [{**given, "difference": difference}], math.ceil(rows))
        case("detectableDifference", [{**given, "n": rows}], difference)
for p1, p2 in [(0.5, 0.6), (0.9, 0.901), (0.01, 0.02)]:
    z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    case("sampleSizeTwoProportions", [{"p1": p1, "p2": p2}], math.ceil((p1 * (1 - p1) + p2 * (1 - p2)) * z**2 / (p1 - p2) ** 2))
for probability, alpha, beta in [(0.75, 0.05, 0.05), (0.6, 0.05, 0.2), (0.3, 0.01, 0.1)]:
    case("sampleSizeNoether", [{"probability": probability, "alpha": alpha, "beta": beta}], math.ceil((stats.norm.isf(alpha) + stats.norm.isf(beta)) ** 2 / (6 * (0.5 - probability) ** 2)))
case("detectableDifference", [{"discordance": 0.1, "n": 5}], None)
case("detectableDifference", [{"discordance": 0, "n": 500}], None)
for difference, error, prior in [(0.01, 0.02, None), (0.3, 0.01, None), (-0.004, 0.003, {"mean": 0, "standardDeviation": 0.01}), (1e-9, 1e-3, {"mean": 0.5, "standardDeviation": 2}), (-1, 0.05, None)]:
    mean, deviation = difference, error
    if prior:
        weight = prior["standardDeviation"] ** 2 / (prior["standardDeviation"] ** 2 + error**2)
        mean, deviation = weight * difference + (1 - weight) * prior["mean"], math.sqrt(weight) * error
    loss = mpmath.quad(lambda d: -d * mpmath.npdf(d, mean, deviation), [mean - 14 * deviation, min(0, mean + 14 * deviation)]) if mean - 14 * deviation < 0 else 0
    low, high = stats.norm.interval(0.95, mean, deviation)
    case("normalPosterior", [{"difference": difference, "standardError": error}] + ([prior] if prior else []), {"mean": mean, "standardDeviation": deviation, "low": low, "high": high, "probabilityBetter": stats.norm.sf(-mean / deviation), **({"expectedLoss": loss} if loss else {})}, 1e-8)
for x in [-38, -8, -0.5, 0, 1e-9, 3, 30]:
    case("normalPdf", [x], mpmath.npdf(x), 1e-12)
for k, alpha in [(1, 0.05), (7, 0.01), (1000, 0.05)]:
    case("spendOverlapping", [k, {"alpha": alpha}], 6 * mpmath.mpf(alpha) / mpmath.pi**2 / k**2)

versions = {"numpy": np.__version__, "scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "scikit-learn": sklearn.__version__, "mpmath": mpmath.__version__}
path = pathlib.Path(__file__).with_name("peers.json")
path.write_text('{"versions": ' + json.dumps(versions) + ',\n"cases": [\n' + ",\n".join(json.dumps(entry) for entry in cases) + "\n]}\n")
print(f"{len(cases)} cases, {path.stat().st_size} bytes")
