"""Writes drift.json: values of river, scipy, numpy and scikit-learn that test/stats/streams.test.ts and test/stats/drift.test.ts hold src/stats to.

Run with a Python that has river (0.21 or later), numpy, scipy and scikit-learn:  python test/reference/drift.py
"""
import json
import pathlib
import random

import numpy as np
import river
import scipy
import sklearn
from river import drift
from river.drift import datasets
from scipy import stats
from scipy.spatial import distance
from sklearn.linear_model import LogisticRegression

rng = random.Random(20240601)
draw = np.random.default_rng(20240601)


def bits(*parts):
    return [int(rng.random() < share) for rows, share in parts for _ in range(rows)]


def column(dataset, name):
    return [float(y[name] if isinstance(y, dict) else y) for _, y in dataset]


streams = {
    "shift": [round(rng.gauss(0 if i < 1500 else 0.7, 1), 3) for i in range(3000)],
    "variance": [round(rng.gauss(2, 1 if i < 1000 else 3), 3) for i in range(2000)],
    "ramp": [round(rng.gauss(max(0, (i - 1000) / 500), 1), 3) for i in range(2500)],
    "constant": [1.5] * 300,
    "bits": bits((1000, 0.1), (1000, 0.3), (1000, 0.05), (1500, 0.4)),
    "rare": bits((3000, 0.01), (2000, 0.06)),
    "random": [rng.choice([0, 1]) for _ in range(1000)] + [rng.choice(range(4, 8)) for _ in range(1000)],
    "occupancy temperature": column(datasets.Occupancy(), "V1"),
    "occupancy CO2": column(datasets.Occupancy(), "V4"),
    "bitcoin": column(datasets.Bitcoin(), "price"),
    "run pace": column(datasets.RunLog(), "Pace"),
}
# What people marked as changes, rows from 0.
marks = {"occupancy temperature": datasets.Occupancy().annotations, "bitcoin": datasets.Bitcoin().annotations}


def watch(make, values):
    detector = make()
    alarms, warnings, widths = [], [], []
    for i, x in enumerate(values):
        detector.update(x)
        if detector.drift_detected:
            alarms.append(i)
        if getattr(detector, "warning_detected", False):
            warnings.append(i)
        if hasattr(detector, "width") and i % 100 == 99:
            widths.append([detector.width, detector.total, detector.variance])
    return {"alarms": alarms, "warnings": warnings, "windows": widths}


cases = []


def case(detector, options, stream, make):
    cases.append({"detector": detector, "options": options, "stream": stream, **watch(make, streams[stream])})


for name in streams:
    case("Adwin", {}, name, lambda: drift.ADWIN())
    case("Adwin", {"delta": 0.05, "clock": 1, "maxBuckets": 3, "minWindowLength": 3, "gracePeriod": 5}, name,
         lambda: drift.ADWIN(delta=0.05, clock=1, max_buckets=3, min_window_length=3, grace_period=5))
    case("PageHinkley", {}, name, lambda: drift.PageHinkley())
    case("PageHinkley", {"threshold": 8, "delta": 0.1, "alpha": 1, "mode": "up"}, name,
         lambda: drift.PageHinkley(threshold=8, delta=0.1, alpha=1, mode="up"))
    case("PageHinkley", {"threshold": 5, "delta": 0.02, "minInstances": 10, "mode": "down"}, name,
         lambda: drift.PageHinkley(threshold=5, delta=0.02, min_instances=10, mode="down"))
for name in ["bits", "rare"]:
    case("Ddm", {}, name, lambda: drift.binary.DDM())
    case("Ddm", {"warmStart": 100, "warningThreshold": 1.5, "driftThreshold": 2.5}, name,
         lambda: drift.binary.DDM(warm_start=100, warning_threshold=1.5, drift_threshold=2.5))


def shares(reference, current, bins):
    edges = np.unique(np.quantile(reference, np.arange(1, bins) / bins))
    count = lambda x: np.bincount(np.searchsorted(edges, x, side="left"), minlength=len(edges) + 1)
    return count(reference), count(current)


golden = []


def value(function, args, expected, tolerance=1e-9):
    golden.append({"function": function, "args": args, "expected": expected, "tolerance": tolerance})


for a, b in [([10, 20, 30], [10, 20, 30]), ([5, 0, 15, 2], [1, 7, 9, 3]), ([1, 0], [0, 1])]:
    p, q = np.array(a) / sum(a), np.array(b) / sum(b)
    value("hellingerCounts", [a, b], float(np.sqrt(max(0, 1 - np.sum(np.sqrt(p * q))))), 1e-7)
    value("lInfinityCounts", [a, b], float(distance.chebyshev(p, q)))
x, y = draw.normal(0, 1, 80).round(4), draw.normal(0.5, 1.5, 60).round(4)
for bins in [5, 10]:
    a, b = shares(x, y, bins)
    p, q = a / a.sum(), b / b.sum()
    value("hellinger", [x.tolist(), y.tolist(), {"bins": bins}], float(np.linalg.norm(np.sqrt(p) - np.sqrt(q)) / np.sqrt(2)))
    value("lInfinity", [x.tolist(), y.tolist(), {"bins": bins}], float(np.max(np.abs(p - q))))
for table in [[[10, 20], [30, 25]], [[12, 5, 7], [7, 7, 9]], [[100, 0, 3], [90, 4, 12], [40, 2, 2]]]:
    found = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
    value("gTest", [table], {"statistic": float(found.statistic), "pValue": float(found.pvalue), "df": int(found.dof)})


def mmd(x, y, sigma):
    def kernel(a, b):
        return np.exp(-distance.cdist(a, b, "sqeuclidean") / (2 * sigma**2))
    n, m = len(x), len(y)
    kx, ky = kernel(x, x), kernel(y, y)
    return (kx.sum() - np.trace(kx)) / (n * (n - 1)) + (ky.sum() - np.trace(ky)) / (m * (m - 1)) - 2 * kernel(x, y).mean()


for n, m, shift in [(30, 20, 0), (25, 40, 0.8)]:
    a, b = draw.normal(0, 1, (n, 3)).round(4), draw.normal(shift, 1, (m, 3)).round(4)
    sigma = float(np.median(distance.pdist(np.vstack([a, b]))))
    columns = [a.T.tolist(), b.T.tolist()]
    value("mmd", [*columns, {"permutations": 0}], {"statistic": float(mmd(a, b, sigma)), "bandwidth": sigma}, 1e-5)
    value("mmd", [*columns, {"permutations": 0, "bandwidth": 0.7}], {"statistic": float(mmd(a, b, 0.7))}, 1e-5)

w = draw.exponential(1, 25).round(4)
v = draw.normal(3, 2, 25).round(4)
centre = np.average(v, weights=w)
value("importanceMean", [v.tolist(), w.tolist()], {
    "hajek": float(centre), "effectiveSampleSize": float(w.sum() ** 2 / (w**2).sum()), "largestShare": float(w.max() / w.sum()),
    "standardError": float(np.sqrt(np.sum((w * (v - centre)) ** 2)) / w.sum())})

for rows, penalty in [(60, 1.0), (200, 0.1)]:
    features = draw.normal(0, 1, (rows, 4)).round(4)
    side = (draw.random(rows) < 1 / (1 + np.exp(-(features[:, 0] - 0.5 * features[:, 1] - 0.7)))).astype(int)
    fitted = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=1000).fit(features, side)
    value("fitLogistic", [features.T.tolist(), side.tolist(), {"penalty": penalty}],
          {"intercept": float(fitted.intercept_[0]), "weights": [float(c) for c in fitted.coef_[0]]}, 1e-4)

out = {
    "made": {"river": river.__version__, "numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__},
    "streams": {name: "".join(map(str, values)) if name in ("bits", "rare") else values for name, values in streams.items()},
    "marks": marks,
    "detectors": cases,
    "values": golden,
}
path = pathlib.Path(__file__).parent / "drift.json"
path.write_text(json.dumps(out, separators=(",", ":")))
print(path, path.stat().st_size, "bytes;", len(cases), "detector cases,", len(golden), "values")
