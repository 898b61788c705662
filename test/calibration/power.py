"""The powers that the table is held to, by scipy: python test/calibration/power.py"""

import numpy as np
from scipy import stats

alpha = 0.05


def exact_mcnemar(n, discordance, difference, mid=False):
    """Sum over the numbers of discordant pairs and of those in favour."""
    win = (discordance + difference) / 2 / discordance
    total = 0.0
    for d in range(1, n + 1):
        weight = stats.binom.pmf(d, n, discordance)
        if weight < 1e-15:
            continue
        k = np.arange(d + 1)
        least = np.minimum(k, d - k)
        p = np.minimum(1, 2 * stats.binom.cdf(least, d, 0.5))
        if mid:
            p = np.where(2 * least == d, 1, p - stats.binom.pmf(least, d, 0.5))
        total += weight * stats.binom.pmf(k, d, win)[p <= alpha].sum()
    return total


def connor(n, discordance, difference):
    z = stats.norm.ppf(1 - alpha / 2) * np.sqrt(discordance)
    spread = np.sqrt(discordance - difference**2)
    return stats.norm.cdf((difference * np.sqrt(n) - z) / spread)


def delong(rows, skill, gain, correlation):
    """Binormal scores of both models, the latent values correlated: variance of the placements by quadrature."""
    z, w = np.polynomial.hermite_e.hermegauss(200)
    w = w / w.sum()
    x, y = np.meshgrid(z, z, indexing="ij")
    b = correlation * x + np.sqrt(1 - correlation**2) * y
    gap = stats.norm.cdf(b + 2 * (skill + gain)) - stats.norm.cdf(x + 2 * skill)
    weight = np.outer(w, w)
    mean = (weight * gap).sum()
    variance = (weight * (gap - mean) ** 2).sum()
    deviation = np.sqrt(2 * variance / (rows / 2))
    shift = mean / deviation
    return stats.norm.cdf(shift - stats.norm.ppf(1 - alpha / 2))


def paired_t(n, effect):
    critical = stats.t.ppf(1 - alpha / 2, n - 1)
    shift = effect * np.sqrt(n)
    return stats.nct.sf(critical, n - 1, shift) + stats.nct.cdf(-critical, n - 1, shift)


def components(rows, seeds, row_variance, seed_variance, rest, difference):
    parts = [row_variance / rows + rest / rows / seeds, seed_variance / seeds + rest / rows / seeds, rest / rows / seeds]
    variance = parts[0] + parts[1] - parts[2]
    dfs = [rows - 1, seeds - 1, (rows - 1) * (seeds - 1)]
    df = variance**2 / sum(part**2 / d for part, d in zip(parts, dfs))
    critical = stats.t.ppf(1 - alpha / 2, df)
    shift = difference / np.sqrt(variance)
    return stats.nct.sf(critical, df, shift), df


print("McNemar, 7,847 rows, discordance 10 %, 1 point: Connor", connor(7847, 0.1, 0.01))
print("McNemar, 500 rows, discordance 15 %, 5 points: exact", exact_mcnemar(500, 0.15, 0.05), "mid-p", exact_mcnemar(500, 0.15, 0.05, True), "Connor", connor(500, 0.15, 0.05))
print("DeLong, 500 rows, skill 1.04, gain 0.185, correlation 0.55", delong(500, 1.04, 0.185, 0.55))
print("paired t, 10 pairs, effect 1", paired_t(10, 1.0))
print("paired t, 34 pairs, effect 0.5", paired_t(34, 0.5))
print("variance components, 200 rows, 5 seeds", components(200, 5, 10, 1, 10, 2))
print("variance components, 200 rows, 10 seeds", components(200, 10, 20, 1, 20, 1.5))
