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


def f1_difference(codes, axis=-1):
    """Of rows coded as (label, prediction A, prediction B), along the last axis, without a loop over resamples."""
    flat = codes.reshape(-1, codes.shape[-1])
    counts = np.bincount((flat + np.arange(len(flat))[:, None] * classes**3).ravel(), minlength=len(flat) * classes**3)
    cells = counts.reshape(*codes.shape[:-1], classes, classes, classes)
    return macro_f1(cells.sum(-2)) - macro_f1(cells.sum(-1))


start = time.process_time()
if peer == "scipy":
    from scipy import stats

    start = time.process_time()  # imports are not counted
    batch = max(1, 5_000_000 // rows)
    # The smallest types that hold the values: what is gathered stays in the cache.
    if metric == "accuracy":
        data = ((arms[1] == labels).astype(np.int8) - (arms[0] == labels).astype(np.int8),)
        statistic = np.mean
    else:
        data = (((labels * classes + arms[0]) * classes + arms[1]).astype(np.int16),)
        statistic = f1_difference
    stats.bootstrap(data, statistic, n_resamples=resamples, batch=min(batch, resamples), method="percentile", vectorized=True, rng=rng)
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
