"""One peer's bootstrap of a paired difference: python bootstrap_peers.py PEER METRIC CLASSES ROWS RESAMPLES. Prints CPU seconds and peak memory.

PEER: scipy (scipy.stats.bootstrap, vectorised, percentile) or multinomial (numpy.random.Generator.multinomial over the distinct cells).
"""
import json
import resource
import sys
import time

import numpy as np

peer, metric, classes, rows, resamples = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
rng = np.random.default_rng(1)
labels = rng.integers(0, classes, rows)
arms = [np.where(rng.random(rows) < skill, labels, rng.integers(0, classes, rows)) for skill in (0.85, 0.87)]


def macro_f1(cells):
    """F1 of counts [..., label, prediction], mean over classes present."""
    support, predicted = cells.sum(-1), cells.sum(-2)
    hits = np.diagonal(cells, axis1=-2, axis2=-1)
    return np.where(support > 0, 2 * hits / np.maximum(1, support + predicted), 0).sum(-1) / (support > 0).sum(-1)


def f1_of_rows(y, p):
    """Along the last axis, without a loop over resamples."""
    flat = (y * classes + p).reshape(-1, y.shape[-1])
    offset = np.arange(len(flat))[:, None] * classes * classes
    counts = np.bincount((flat + offset).ravel(), minlength=len(flat) * classes * classes)
    return macro_f1(counts.reshape(*y.shape[:-1], classes, classes))


start = time.process_time()
if peer == "scipy":
    from scipy import stats

    start = time.process_time()  # imports are not counted
    batch = max(1, 20_000_000 // rows)
    if metric == "accuracy":
        data = ((arms[1] == labels).astype(float) - (arms[0] == labels),)
        statistic = lambda d, axis=-1: d.mean(axis=axis)  # noqa: E731
        options = {"vectorized": True}
    else:
        data = (labels, arms[0], arms[1])
        statistic = lambda y, a, b, axis=-1: f1_of_rows(y, b) - f1_of_rows(y, a)  # noqa: E731
        options = {"vectorized": True, "paired": True}
    stats.bootstrap(data, statistic, n_resamples=resamples, batch=min(batch, resamples), method="percentile", rng=rng, **options)
elif metric == "accuracy":
    right = [(arm == labels).astype(int) for arm in arms]
    counts = np.bincount(right[0] * 2 + right[1], minlength=4)
    drawn = rng.multinomial(rows, counts / rows, size=resamples)
    np.percentile((drawn[:, 1] - drawn[:, 2]) / rows, [2.5, 97.5])
else:
    counts = np.bincount((labels * classes + arms[0]) * classes + arms[1], minlength=classes**3)
    found = []
    for first in range(0, resamples, 1000):
        drawn = rng.multinomial(rows, counts / rows, size=min(1000, resamples - first)).reshape(-1, classes, classes, classes)
        found.append(macro_f1(drawn.sum(2)) - macro_f1(drawn.sum(3)))
    np.percentile(np.concatenate(found), [2.5, 97.5])
print(json.dumps({"cpu": time.process_time() - start, "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
