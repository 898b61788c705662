"""Writes special.json: the special functions and distributions in 50 digits, far tails and extreme parameters among them, that
test/stats/golden.test.ts holds src/stats to within 1e-12 relative. Series and continued fractions are summed here in mpmath by themselves.

Run with a Python that has numpy, scipy (first guesses of quantiles alone) and mpmath:  python test/reference/special.py
"""
import json
import math
import pathlib
import random

import mpmath
import numpy as np
import scipy
from mpmath import mp, mpf
from scipy import stats

mp.dps = 50
random.seed(20261121)
cases = []
half = mpf(1) / 2


def case(function, args, expected, tolerance=1e-12):
    value = float(expected)
    # Below 1e-300 doubles lose digits of their own.
    if value == 0 or 1e-300 < abs(value) < 1e300:
        cases.append({"function": function, "args": args, "expected": value, "tolerance": tolerance})


def ibeta(a, b, x):
    a, b, x = mpf(a), mpf(b), mpf(x)
    if x <= 0 or x >= 1:
        return mpf(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - ibeta(b, a, 1 - x)
    c, d = mpf(1), 1 / (1 - (a + b) * x / (a + 1))
    h = d
    m = 1
    while True:
        for an in [m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))]:
            d = 1 / (1 + an * d)
            c = 1 + an / c
            h *= c * d
        if abs(c * d - 1) < mpf(10) ** -40:
            break
        m += 1
    return mpmath.exp(a * mpmath.log(x) + b * mpmath.log1p(-x) - mpmath.loggamma(a) - mpmath.loggamma(b) + mpmath.loggamma(a + b)) / a * h


def gamma_lower(a, x):
    a, x = mpf(a), mpf(x)
    if x > a + 40:
        return 1 - gamma_upper(a, x)
    term = total = mpf(1)
    n = 1
    while term > total * mpf(10) ** -45:
        term *= x / (a + n)
        total += term
        n += 1
    return mpmath.exp(a * mpmath.log(x) - x - mpmath.loggamma(a + 1)) * total


def gamma_upper(a, x):
    a, x = mpf(a), mpf(x)
    if x <= a + 40:
        return 1 - gamma_lower(a, x)
    b = x + 1 - a
    d = h = 1 / b
    c = mpf(10) ** 1000
    i = 1
    while True:
        an = -i * (i - a)
        b += 2
        d = 1 / (an * d + b)
        c = b + an / c
        h *= d * c
        if abs(d * c - 1) < mpf(10) ** -40:
            return mpmath.exp(a * mpmath.log(x) - x - mpmath.loggamma(a)) * h
        i += 1


def t_survival(t, df):
    t, df = mpf(t), mpf(df)
    if t < 0:
        return 1 - t_survival(-t, df)
    return ibeta(df / 2, half, df / (df + t * t)) / 2


def f_survival(x, d1, d2):
    x, d1, d2 = mpf(x), mpf(d1), mpf(d2)
    return ibeta(d2 / 2, d1 / 2, d2 / (d1 * x + d2))


def kolmogorov(x):
    mp.dps = 400
    value = 2 * mpmath.fsum((-1) ** (k - 1) * mpmath.exp(-2 * k * k * mpf(x) ** 2) for k in range(1, max(30, int(40 / x))))
    mp.dps = 50
    return value


def solve(tail, p, guess, positive=True):
    """Root of log tail = log p in log x, from a guess in double precision."""
    start = mpmath.log(mpf(guess))
    f = lambda u: mpmath.log(tail(mpmath.exp(u)) / mpf(p))
    return mpmath.exp(mpmath.findroot(f, (start, start + mpf(10) ** -8), solver="secant", tol=mpf(10) ** -60, maxsteps=40, verify=False))


def between(low, high):
    return float(f"{math.exp(random.uniform(math.log(low), math.log(high))):.6g}")


for x in [1e-300, 1e-20, 1e-3, 0.25, 0.4999, 1 - 1e-9, 1 + 1e-12, 1.25, 2 - 1e-10, 2 + 1e-6, 2.5, 4.2, 14.99, 15.01, 1e5, 1e15, 1e300, -0.5, -3.7, -20.25]:
    case("logGamma", [x], mpmath.loggamma(mpf(x)).real)
for z in [-37.5, -30, -25.3, -12, -6, -2.2, -1, -1e-5, 0, 1e-300, 0.3, 1.2, 4, 8.2]:
    case("normalCdf", [z], mpmath.ncdf(z))
    case("normalSurvival", [z], mpmath.ncdf(-mpf(z)))
    case("erfc", [z / 2], mpmath.erfc(mpf(z / 2)))
for p in [1e-300, 1e-200, 1e-50, 1e-16, 1e-5, 0.02, 0.07, 0.0751, 0.2, 0.4999999, 0.9, 1 - 1e-6, 1 - 1e-15]:
    z = -stats.norm.isf(p)
    root = mpf(float(z))
    for _ in range(6):
        root -= (mpmath.ncdf(root) - mpf(p)) / mpmath.npdf(root)
    case("normalQuantile", [p], root)

for a, x in [(1e-3, 1e-8), (1e-3, 0.9), (1e-3, 3), (0.3, 1.2), (0.5, 600), (1, 1e-12), (1, 700), (3.5, 1e-80), (15, 40), (1000, 650), (1000, 1500), (1e5, 9.9e4), (1e5, 1.02e5), (1e8, 1.0004e8)]:
    cases.append({"function": "incompleteGamma", "args": [a, x], "expected": {"lower": float(gamma_lower(a, x)), "upper": float(gamma_upper(a, x))}, "tolerance": 1e-12})
for df, x in [(1e-3, 1e-3), (1, 1e-20), (1, 1300), (2, 1380), (0.1, 40), (7, 900), (500, 900), (1e4, 1.1e4), (1e6, 9.9e5), (1e8, 1.0003e8)] + [(between(1e-2, 1e5), between(1e-4, 1e3)) for _ in range(12)]:
    case("chiSquareCdf", [x, df], gamma_lower(mpf(df) / 2, mpf(x) / 2))
    case("chiSquareSurvival", [x, df], gamma_upper(mpf(df) / 2, mpf(x) / 2))
for t, df in [(1e-12, 1), (3, 1e-3), (1e100, 1e-3), (1e5, 1), (1e12, 3), (2, 1e10), (37, 1e10), (20, 50), (400, 9.5), (1e150, 1.9), (7, 1e6)] + [(between(1e-3, 100), between(0.1, 1e5)) for _ in range(12)]:
    case("tSurvival", [t, df], t_survival(t, df))
    case("tCdf", [-t, df], t_survival(t, df))
    case("tCdf", [t, df], 1 - t_survival(t, df))
for a, b, x in [(1e-3, 1e-3, 0.5), (1e-3, 1e-3, 1e-200), (1e-3, 1e8, 1e-9), (1e8, 1e-3, 0.9999), (1e-3, 5, 0.01), (5, 1e-3, 0.99), (1e8, 1e8, 0.4999), (1e8, 1e8, 0.5005), (1e8, 30, 0.9999995), (30, 1e8, 1e-7), (2, 3, 1e-120), (0.5, 0.5, 1 - 1e-12), (1, 1e7, 1e-5), (1e5, 2e5, 0.3), (700, 1, 0.4), (1, 1, 0.25)] + [(between(1e-2, 1e4), between(1e-2, 1e4), round(random.random(), 4)) for _ in range(16)]:
    case("incompleteBeta", [a, b, x], ibeta(a, b, x))
    case("betaCdf", [x, a, b], ibeta(a, b, x))
    case("betaSurvival", [x, a, b], 1 - ibeta(a, b, x) if x < 1e-30 else ibeta(b, a, 1 - mpf(x)))
for x, d1, d2 in [(1e-10, 1, 1), (1e8, 1, 1), (40, 3, 200), (300, 10, 30), (0.5, 1e6, 1e6), (1.01, 1e6, 1e6), (1e4, 0.02, 5), (0.01, 60, 4)] + [(between(1e-3, 1e3), between(0.1, 1e4), between(0.1, 1e4)) for _ in range(12)]:
    case("fSurvival", [x, d1, d2], f_survival(x, d1, d2))
    case("fCdf", [x, d1, d2], f_survival(1 / mpf(x), d2, d1))
for k, n, p in [(0, 10**7, 1e-6), (0, 1, 0.5), (1, 1, 0.5), (10, 10**7, 1e-6), (60, 10**7, 1e-6), (5 * 10**6, 10**7, 0.5), (4_990_000, 10**7, 0.5), (9_999_999, 10**7, 0.999999), (3, 20, 0.3), (200, 1000, 0.5), (900, 1000, 0.5), (0, 300, 0.9), (17, 17, 0.02)]:
    pp = mpf(p)
    case("binomialPmf", [k, n, p], mpmath.exp(mpmath.loggamma(n + 1) - mpmath.loggamma(k + 1) - mpmath.loggamma(n - k + 1) + k * mpmath.log(pp) + (n - k) * mpmath.log1p(-pp)))
    if k < n:
        case("binomialSurvival", [k, n, p], ibeta(k + 1, n - k, pp))
        case("binomialCdf", [k, n, p], ibeta(n - k, k + 1, 1 - pp))
for x in [0.045, 0.1, 0.3, 0.8, 0.8999, 0.9001, 1.5, 5, 18.5]:
    case("kolmogorovSurvival", [x], kolmogorov(x))
    case("kolmogorovCdf", [x], 1 - kolmogorov(x))

probabilities = [1e-300, 1e-100, 1e-12, 0.001, 0.3, 0.5, 0.7, 0.999]
for df in [0.05, 1, 4.5, 60, 1e4]:
    for p in probabilities:
        if p != 0.5:
            guess = abs(float(stats.t.ppf(p, df)))
            if 0 < guess < 1e250:
                side = min(p, float(1 - p)) if p < 0.5 else None
                tail = mpf(p) if p < 0.5 else 1 - mpf(p)
                root = solve(lambda t: t_survival(t, df), tail, guess)
                case("tQuantile", [p, df], -root if p < 0.5 else root)
        guess = float(stats.chi2.ppf(p, df))
        if guess > 1e-280:
            root = solve(lambda x: gamma_lower(mpf(df) / 2, x / 2), p, guess) if p <= 0.5 else solve(lambda x: gamma_upper(mpf(df) / 2, x / 2), 1 - mpf(p), guess)
            case("chiSquareQuantile", [p, df], root)
        guess = float(stats.chi2.isf(p, df))
        if p < 0.5 and guess > 1e-280:
            root = solve(lambda x: gamma_upper(mpf(df) / 2, x / 2), p, guess)
            case("chiSquareQuantile", [p, df, {"tail": "upper"}], root)
for a, b in [(0.05, 3), (0.5, 0.5), (1, 1), (3, 700), (400, 20), (1e4, 1e4)]:
    for p in probabilities:
        guess = float(stats.beta.ppf(p, a, b))
        if 1e-280 < guess < 1 - 1e-3:
            root = solve(lambda x: ibeta(a, b, x), p, guess) if p <= 0.5 else solve(lambda x: ibeta(b, a, 1 - x), 1 - mpf(p), guess)
            case("betaQuantile", [p, a, b], root)
        guess = float(stats.f.ppf(p, 2 * a, 2 * b))
        if 1e-250 < guess < 1e250:
            root = solve(lambda x: f_survival(1 / x, 2 * b, 2 * a), p, guess) if p <= 0.5 else solve(lambda x: f_survival(x, 2 * a, 2 * b), 1 - mpf(p), guess)
            case("fQuantile", [p, 2 * a, 2 * b], root)

versions = {"numpy": np.__version__, "scipy": scipy.__version__, "mpmath": mpmath.__version__}
path = pathlib.Path(__file__).with_name("special.json")
path.write_text('{"versions": ' + json.dumps(versions) + ',\n"cases": [\n' + ",\n".join(json.dumps(entry) for entry in cases) + "\n]}\n")
print(f"{len(cases)} cases, {path.stat().st_size} bytes")
