"""CPU seconds of one peer's paired bootstrap: python stats_peers.py PEER METRIC CLASSES ARMS FOLDER RESAMPLES.

RESAMPLES 0: as many as 1.5 CPU seconds hold, at most 10,000. Imports and reading are not counted.
scipy: scipy.stats.bootstrap, percentile, in its best form for the metric: vectorised over one small code a row; the AUC from a sort of each resample.
sklearn: the loop that most people write. arch: arch.bootstrap.IIDBootstrap over the rows with careful NumPy as the statistic.
multinomial: what an expert does by hand: numpy multinomial over the distinct cells; for the AUC weights of rows sorted once.
"""
import json
import sys
import time

import numpy as np

peer, metric, classes, arms, folder, fixed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5], int(sys.argv[6])
labels = np.load(f"{folder}/labels.npy")
columns = [np.load(f"{folder}/arm{j}.npy") for j in range(arms)]
rows = len(labels)
rng = np.random.default_rng(1)


def macro_f1(support, predicted, hits):
    """Mean over classes present, along the last axis."""
    return np.where(support > 0, 2 * hits / np.maximum(1, support + predicted), 0).sum(-1) / (support > 0).sum(-1)


def f1_of(y, p):
    confusion = np.bincount(y * classes + p, minlength=classes * classes).reshape(classes, classes)
    return macro_f1(confusion.sum(1), confusion.sum(0), np.diagonal(confusion))


def auc_of(y, scores):
    """Mann and Whitney's from one sort; scores have no ties."""
    sorted_labels = y[np.argsort(scores)]
    positives = sorted_labels.sum()
    return np.dot(np.cumsum(1 - sorted_labels), sorted_labels) / positives / (len(y) - positives)


def differences(*drawn):
    y, *of = drawn
    if metric == "accuracy":
        return np.array([np.mean(p == y) for p in of[1:]]) - np.mean(of[0] == y)
    value = auc_of if metric == "auc_ovr" else f1_of
    control = value(y, of[0])
    return np.array([value(y, p) - control for p in of[1:]])


def scipy_bootstrap(count):
    from scipy import stats

    options = dict(n_resamples=count, method="percentile", rng=rng)
    if metric == "accuracy":
        # The smallest type that holds the values: what is gathered stays in the cache.
        gap = (columns[1] == labels).astype(np.int8) - (columns[0] == labels).astype(np.int8)
        return stats.bootstrap((gap,), np.mean, vectorized=True, batch=max(1, min(count, 5_000_000 // rows)), **options)
    if metric == "auc_ovr" or arms > 2 or classes**3 > 200_000:
        one = lambda *drawn: differences(*drawn)[0] if arms == 2 else differences(*drawn)
        return stats.bootstrap((labels, *columns), one, paired=True, vectorized=False, **options)
    codes = ((labels * classes + columns[0]) * classes + columns[1]).astype(np.int16 if classes <= 31 else np.int32)

    def of_codes(drawn, axis=-1):
        flat = drawn.reshape(-1, drawn.shape[-1])
        size = classes**3
        counts = np.bincount((flat + np.arange(len(flat))[:, None] * size).ravel(), minlength=len(flat) * size)
        cells = counts.reshape(*drawn.shape[:-1], classes, classes, classes)
        support = cells.sum((-1, -2))
        of_a, of_b = cells.sum(-1), cells.sum(-2)
        value = lambda m: macro_f1(support, m.sum(-2), np.diagonal(m, axis1=-2, axis2=-1))
        return value(of_b) - value(of_a)

    return stats.bootstrap((codes,), of_codes, vectorized=True, batch=max(1, min(count, 5_000_000 // rows)), **options)


def sklearn_loop(count):
    from sklearn import metrics

    value = {
        "accuracy": metrics.accuracy_score,
        "f1_macro": lambda y, p: metrics.f1_score(y, p, average="macro"),
        "auc_ovr": metrics.roc_auc_score,
    }[metric]
    for _ in range(count):
        index = rng.integers(0, rows, rows)
        drawn = labels[index]
        [value(drawn, column[index]) for column in columns]


def arch_bootstrap(count):
    from arch.bootstrap import IIDBootstrap

    IIDBootstrap(labels, *columns, seed=1).apply(differences, count)


def multinomial(count):
    if metric == "auc_ovr":
        orders = [np.argsort(column) for column in columns]
        sorted_labels = [labels[order] for order in orders]
        for _ in range(count):
            weights = np.bincount(rng.integers(0, rows, rows), minlength=rows)
            for order, y in zip(orders, sorted_labels):
                drawn = weights[order]
                hits = drawn * y
                np.dot(np.cumsum(drawn - hits), hits)
        return
    if metric == "accuracy":
        right = [(column == labels).astype(int) for column in columns]
        counts = np.bincount(right[0] * 2 + right[1], minlength=4)
        drawn = rng.multinomial(rows, counts / rows, size=count)
        np.percentile((drawn[:, 1] - drawn[:, 2]) / rows, [2.5, 97.5])
        return
    keys = labels.astype(np.int64)
    for column in columns:
        keys = keys * classes + column
    cells, counts = np.unique(keys, return_counts=True)
    parts = [cells // classes ** (len(columns) - j) % classes for j in range(len(columns) + 1)]
    at = [np.zeros((len(cells), classes)) for _ in range(len(columns) * 2 + 1)] if len(cells) * classes < 5_000_000 else None
    if at is not None:
        for j, matrix in enumerate(at[: len(columns) + 1]):
            matrix[np.arange(len(cells)), parts[j]] = 1
        for j, matrix in enumerate(at[len(columns) + 1 :]):
            matrix[np.arange(len(cells)), parts[0]] = parts[j + 1] == parts[0]
    step = max(1, min(1000, 20_000_000 // len(cells)))
    for first in range(0, count, step):
        drawn = rng.multinomial(rows, counts / rows, size=min(step, count - first))
        if at is not None:
            sums = [drawn @ matrix for matrix in at]
            support, predicted, hits = sums[0], sums[1 : len(columns) + 1], sums[len(columns) + 1 :]
            [macro_f1(support, p, h) for p, h in zip(predicted, hits)]
        else:
            for weights in drawn:
                support = np.bincount(parts[0], weights, classes)
                for p in parts[1:]:
                    macro_f1(support, np.bincount(p, weights, classes), np.bincount(p, weights * (p == parts[0]), classes))


run = {"scipy": scipy_bootstrap, "sklearn": sklearn_loop, "arch": arch_bootstrap, "multinomial": multinomial}[peer]
if peer == "multinomial" and arms > 2 and metric == "accuracy":
    print(json.dumps({"cpu": None}))
    sys.exit()
run(2)  # imports and first calls


def cpu_of(count):
    start = time.process_time()
    run(count)
    return time.process_time() - start


count = fixed
if fixed == 0:
    base = cpu_of(2)
    each = max(1e-7, (cpu_of(6) - base) / 4)
    count = int(min(10_000, max(4, 1.5 / each)))
print(json.dumps({"cpu": cpu_of(count), "resamples": count}))
