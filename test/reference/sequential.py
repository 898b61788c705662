"""Writes sequential.json: values that test/stats/sequential.test.ts holds the sequential, planning and Bayesian functions of src/stats to,
of GrowthBook's gbstats, statsmodels and scipy, and of mpmath and NumPy where they integrate what src/stats has in closed form or by recursion.

Run with a Python that has numpy, scipy, statsmodels, mpmath and gbstats:  python test/reference/sequential.py
"""
import json
import math
import pathlib
from importlib import metadata

import mpmath
import numpy as np
from gbstats.frequentist.tests import SequentialConfig, SequentialTwoSidedTTest
from gbstats.models.statistics import SampleMeanStatistic
from scipy import optimize, special, stats
from statsmodels.stats import power

mpmath.mp.dps = 40
cases = []


def case(function, args, expected, tolerance=1e-9):
    cases.append({"function": function, "args": args, "expected": expected, "tolerance": tolerance})


# gbstats: the difference of two independent means; its interval and p value.
for n_a, n_b, mean_a, mean_b, sd_a, sd_b, alpha, tuning in [
    (3407, 3461, 0.41, 0.7, 3.9, 6.2, 0.05, 5000),
    (500, 520, 10, 10.2, 1, 1.5, 0.01, 1000),
    (100000, 99000, 0.1, 0.1005, 0.3, 0.3, 0.1, 20000),
    (30, 40, 1, 4, 2, 2, 0.05, 50),
]:
    a, b = [SampleMeanStatistic(n=n, sum=mean * n, sum_squares=(n - 1) * sd**2 + n * mean**2) for n, mean, sd in [(n_a, mean_a, sd_a), (n_b, mean_b, sd_b)]]
    test = SequentialTwoSidedTTest(a, b, SequentialConfig(difference_type="absolute", alpha=alpha, sequential_tuning_parameter=tuning))
    low, high = test.confidence_interval
    case(
        "alwaysValidInterval",
        [{"difference": float(test.point_estimate), "variance": float(test.variance), "n": n_a + n_b}, {"alpha": alpha, "tuning": tuning}],
        {"low": float(low), "high": float(high), "pValue": float(test.p_value)},
    )

# The mixture itself, integrated: the mean of the likelihood ratio over normal effects of variance rho² a row; the interval is where it is 1 / alpha.
for difference, variance, n, alpha, tuning in [(0.01, 1e-5, 5000, 0.05, 5000), (0, 0.02, 50, 0.05, 100), (-0.3, 0.004, 25, 0.2, 30), (2, 1, 1, 0.05, 10), (5, 1, 1000000, 1e-6, 1000)]:
    log = -2 * mpmath.log(alpha)
    rho2 = (log + mpmath.log(log + 1)) / tuning

    def evidence(z):
        """Of a standardised difference z; effects are in standard errors, of mixing variance n rho²."""
        tau = mpmath.sqrt(n * rho2)
        peak = z * tau**2 / (1 + tau**2)
        ratio = lambda t: mpmath.exp(t * z - t * t / 2) * mpmath.npdf(t, 0, tau)
        width = tau / mpmath.sqrt(1 + tau**2)
        return mpmath.quad(ratio, [peak + width * k for k in range(-14, 15, 2)])

    z = mpmath.mpf(difference) / mpmath.sqrt(variance)
    bound = mpmath.findroot(lambda x: mpmath.log(evidence(x) * alpha), mpmath.sqrt((1 + 1 / (n * rho2)) * (log + mpmath.log(1 + n * rho2))) * 1.01)
    half = bound * mpmath.sqrt(variance)
    e = evidence(z)
    case(
        "alwaysValidInterval",
        [{"difference": difference, "variance": variance, "n": n}, {"alpha": alpha, "tuning": tuning}],
        {"low": float(difference - half), "high": float(difference + half), "e": float(e), "pValue": float(min(1, 1 / e))},
    )

rng = np.random.default_rng(20240701)
for outcomes, a, b in [
    ([], 1, 1), ([1], 1, 1), ([0], 1, 1), ([1, 1, 1, 1, 1, 1], 1, 1), ([1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0], 1, 1), ([0, 1] * 40, 0.5, 0.5), ([1] * 200, 1, 1),
    ((rng.random(300) < 0.62).astype(int).tolist(), 1, 1), ((rng.random(300) < 0.4).astype(int).tolist(), 20, 20), ((rng.random(1000) < 0.5).astype(int).tolist(), 2.5, 0.7),
]:
    wins, e, most = 0, mpmath.mpf(1), mpmath.mpf(1)
    for n, outcome in enumerate(outcomes, 1):
        wins += outcome
        e = mpmath.beta(a + wins, b + n - wins) / mpmath.beta(a, b) * mpmath.mpf(2) ** n
        most = max(most, e)
    case("discordantEProcess", [outcomes, {"a": a, "b": b}], {"e": float(e), "pValue": float(1 / most)})


def spent(spending, t, alpha, gamma):
    if spending == "obrien-fleming":
        return 2 * stats.norm.sf(stats.norm.isf(alpha / 2) / math.sqrt(t))
    if spending == "pocock":
        return alpha * math.log(1 + (math.e - 1) * t)
    return alpha * t if gamma == 0 else alpha * (1 - math.exp(-gamma * t)) / (1 - math.exp(-gamma))


def nodes(low, high):
    """Gauss-Legendre, 16 points on each of 24 panels."""
    x, w = np.polynomial.legendre.leggauss(16)
    edges = np.linspace(low, high, 25)
    half = np.diff(edges)[:, None] / 2
    return (edges[:-1, None] + half * (1 + x)).ravel(), (half * w).ravel()


def bounds(times, alpha, sides, spending, gamma):
    """Up to three looks by the joint density of the scores in one, two and three dimensions: no recursion."""
    increments = [spent(spending, t, alpha / sides, gamma) for t in times]
    increments = np.diff([0, *increments])
    z = [stats.norm.isf(increments[0])]
    floor = lambda i: -z[i] * math.sqrt(times[i]) if sides == 2 else -9.5 * math.sqrt(times[i])
    s1, w1 = nodes(floor(0), z[0] * math.sqrt(times[0]))
    joint = w1 * stats.norm.pdf(s1, 0, math.sqrt(times[0]))
    chance = lambda bound: float(joint @ stats.norm.sf((bound * math.sqrt(times[1]) - s1) / math.sqrt(times[1] - times[0])))
    z.append(optimize.brentq(lambda x: math.log(chance(x) / increments[1]), 0.5, 9, xtol=1e-13))
    if len(times) == 3:
        s2, w2 = nodes(floor(1), z[1] * math.sqrt(times[1]))
        pair = joint[:, None] * w2 * stats.norm.pdf(s2, s1[:, None], math.sqrt(times[1] - times[0]))
        last = lambda bound: float((pair * stats.norm.sf((bound * math.sqrt(times[2]) - s2) / math.sqrt(times[2] - times[1]))).sum())
        z.append(optimize.brentq(lambda x: math.log(last(x) / increments[2]), 0.5, 9, xtol=1e-13))
    return z, (sides * np.cumsum(increments)).tolist()


for times in [[0.5, 1], [0.1, 1], [0.9, 1], [0.2, 0.6], [1 / 3, 2 / 3, 1], [0.3, 0.8, 1], [0.25, 0.4, 0.9]]:
    for spending, gamma in [("obrien-fleming", -4), ("pocock", -4), ("hwang-shih-decani", -4), ("hwang-shih-decani", 0), ("hwang-shih-decani", 2)]:
        for alpha, sides in [(0.05, 2), (0.025, 1), (0.2, 2)]:
            z, cumulative = bounds(times, alpha, sides, spending, gamma)
            options = {"information": times, "alpha": alpha, "sides": sides, "spending": spending, **({"gamma": gamma} if spending[0] == "h" else {})}
            case("groupSequentialBounds", [options], {"z": z, "nominalP": [float(sides * stats.norm.sf(x)) for x in z], "cumulativeAlpha": cumulative})


def difference_of_betas(control, variant, confidence):
    """By mpmath's tanh-sinh where counts are small, by Gauss-Legendre and scipy's betainc over +-14 standard deviations where they are large."""
    (a1, b1), (a2, b2) = control, variant
    small = max(a1 + b1, a2 + b2) < 200
    mean = lambda a, b: a / (a + b)
    sd = lambda a, b: math.sqrt(a * b / ((a + b) ** 2 * (a + b + 1)))
    if small:
        pdf = lambda x, a, b: x ** (a - 1) * (1 - x) ** (b - 1) / mpmath.beta(a, b)
        cdf = lambda x, a, b: 0 if x <= 0 else 1 if x >= 1 else mpmath.betainc(a, b, 0, x, regularized=True)

        def over(f, bends=()):
            return mpmath.quad(lambda x: pdf(x, a2, b2) * f(x), sorted({0, 0.5, 1, *[x for x in bends if 0 < x < 1]}))

        mpmath.mp.dps = 20
        below = lambda d: 1 - over(lambda x: cdf(x - d, a1, b1), [d, 1 + d])
        moment = lambda x: mean(a1, b1) * (1 - cdf(x, a1 + 1, b1)) - x * (1 - cdf(x, a1, b1))
        better, loss = over(lambda x: cdf(x, a1, b1)), over(moment)
    else:
        x, w = nodes(max(0, mean(a2, b2) - 14 * sd(a2, b2)), min(1, mean(a2, b2) + 14 * sd(a2, b2)))
        weight = w * stats.beta.pdf(x, a2, b2)
        weight /= weight.sum()
        below = lambda d: float(weight @ special.betaincc(a1, b1, np.clip(x - d, 0, 1)))
        better = float(weight @ special.betainc(a1, b1, x))
        loss = float(weight @ (mean(a1, b1) * special.betaincc(a1 + 1, b1, x) - x * special.betaincc(a1, b1, x)))
    centre, spread = mean(a2, b2) - mean(a1, b1), math.hypot(sd(a1, b1), sd(a2, b2))
    low, high = [
        optimize.brentq(lambda d: float(below(d)) - p, max(-1, centre - 8 * spread), min(1, centre + 8 * spread), xtol=1e-12)
        for p in [(1 - confidence) / 2, (1 + confidence) / 2]
    ]
    mpmath.mp.dps = 40
    return {"mean": centre, "standardDeviation": spread, "low": low, "high": high, "probabilityBetter": float(better), "expectedLoss": float(loss)}


for (k1, n1), (k2, n2), a, b, confidence in [
    ((3, 20), (9, 25), 1, 1, 0.95), ((0, 0), (0, 0), 1, 1, 0.9), ((0, 5), (5, 5), 1, 1, 0.95), ((0, 3), (1, 4), 0.5, 0.5, 0.8), ((40, 60), (30, 90), 2, 3, 0.99),
    ((910, 1000), (930, 1000), 1, 1, 0.95), ((5000, 100000), (5200, 100000), 1, 1, 0.95), ((910000, 1000000), (911000, 1000000), 1, 1, 0.95), ((200, 300), (7000, 10000), 1, 1, 0.9),
]:
    expected = difference_of_betas((a + k1, b + n1 - k1), (a + k2, b + n2 - k2), confidence)
    case("betaBinomial", [{"control": {"k": k1, "n": n1}, "variant": {"k": k2, "n": n2}}, {"a": a, "b": b}, {"confidence": confidence}], expected, 1e-8)

for discordance, difference, n, alpha in [(0.1, 0.01, 7847, 0.05), (0.1, 0.005, 1000, 0.05), (0.02, 0.02, 300, 0.01), (0.3, 0, 500, 0.1)]:
    shift = difference * math.sqrt(n)
    critical, spread = stats.norm.isf(alpha / 2) * math.sqrt(discordance), math.sqrt(discordance - difference**2)
    expected = stats.norm.sf((critical - shift) / spread) + stats.norm.sf((critical + shift) / spread)
    # At a difference of 0 the two spreads agree, and statsmodels has it.
    if difference == 0:
        assert abs(expected - power.normal_power(0, n, alpha, sigma=math.sqrt(discordance))) < 1e-12
    case("powerPairedProportions", [{"discordance": discordance, "difference": difference, "n": n, "alpha": alpha}], float(expected))
for p1, p2, n, alpha in [(0.1, 0.12, 3841, 0.05), (0.5, 0.5, 10, 0.05), (0.9, 0.95, 200, 0.01), (0.001, 0.002, 1000000, 0.05)]:
    expected = power.normal_power(abs(p1 - p2), n, alpha, "two-sided", sigma=math.sqrt(p1 * (1 - p1) + p2 * (1 - p2)))
    case("powerTwoProportions", [{"p1": p1, "p2": p2, "n": n, "alpha": alpha}], float(expected))
for p1, n, alpha, wanted in [(0.1, 1000, 0.05, 0.8), (0.5, 200, 0.01, 0.9), (0.01, 1000000, 0.05, 0.8)]:
    z = stats.norm.isf(alpha / 2) + stats.norm.ppf(wanted)
    root = optimize.brentq(lambda d: d - z * math.sqrt((p1 * (1 - p1) + (p1 + d) * (1 - p1 - d)) / n), 0, 1 - p1, xtol=1e-15)
    case("detectableDifferenceTwoProportions", [{"p1": p1, "n": n, "alpha": alpha, "power": wanted}], root)
for sd, difference, n, alpha in [(1, 1, 5, 0.05), (2, 0.5, 30, 0.05), (1, 0.1, 1000, 0.01), (0.5, 0, 3, 0.1), (1, 3, 2, 0.05), (1, 0.02, 100000, 0.05)]:
    effect = difference / sd
    arguments = {"standardDeviation": sd, "difference": difference, "n": n, "alpha": alpha}
    case("powerMeans", [{**arguments, "paired": True, "test": "t"}], float(power.TTestPower().power(effect, n, alpha)) if effect else alpha, 1e-8)
    case("powerMeans", [{**arguments, "test": "t"}], float(power.TTestIndPower().power(effect, n, alpha)) if effect else alpha, 1e-8)
    case("powerMeans", [{**arguments, "paired": True}], float(power.normal_power(difference, n, alpha, sigma=sd)))
    case("powerMeans", [arguments], float(power.normal_power(difference, n, alpha, sigma=sd * math.sqrt(2))))

versions = {name: metadata.version(name) for name in ["numpy", "scipy", "statsmodels", "mpmath", "gbstats"]}
lines = ",\n".join(json.dumps(item) for item in cases)
pathlib.Path(__file__).with_name("sequential.json").write_text('{"versions": ' + json.dumps(versions) + ',\n"cases": [\n' + lines + "\n]}\n")
print(f"{len(cases)} cases")
