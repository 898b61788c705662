# Writes r.json: values of R, pROC and boot that test/stats/golden.test.ts holds src/stats to.
#
# Run with an R that has boot, pROC and jsonlite (Debian: r-base-core r-cran-boot r-cran-proc r-cran-jsonlite):  Rscript test/reference/r.R
suppressPackageStartupMessages({
  library(boot)
  library(pROC)
  library(jsonlite)
})
set.seed(20261121)
cases <- list()
case <- function(name, args, expected, tolerance = 1e-9) {
  cases[[length(cases) + 1]] <<- list(`function` = unbox(name), args = args, expected = expected, tolerance = unbox(tolerance))
}
u <- function(...) lapply(list(...), unbox)
one <- function(x) unbox(as.numeric(x))
sides <- c("two.sided", "less", "greater")
side <- function(s) unbox(sub("\\.", "-", s))

# McNemar, Fisher, binomial, chi-square
for (t in list(c(794, 86, 150, 570), c(10, 3, 12, 5), c(100, 0, 9, 2), c(20, 14, 1, 30), c(1e6, 5200, 4900, 1e5))) {
  table <- matrix(t, 2, byrow = TRUE)
  for (correct in c(TRUE, FALSE)) {
    found <- mcnemar.test(table, correct = correct)
    case("mcnemar", list(table, list(method = unbox(if (correct) "corrected" else "asymptotic"))), list(statistic = one(found$statistic), pValue = one(found$p.value), df = one(found$parameter)))
  }
  case("mcnemar", list(table, list(method = unbox("exact"))), list(pValue = one(binom.test(table[1, 2], table[1, 2] + table[2, 1])$p.value)))
}
for (t in list(c(3, 1, 1, 3), c(10, 2, 3, 15), c(0, 6, 9, 1), c(40, 60, 70, 30), c(1, 99999, 20, 99980))) {
  table <- matrix(t, 2, byrow = TRUE)
  for (s in sides) case("fisherExact", list(table, list(alternative = side(s))), list(pValue = one(fisher.test(table, alternative = s)$p.value)))
}
for (b in list(c(682, 925, 0.75), c(0, 1, 0.5), c(1, 1, 0.2), c(7, 12, 0.1), c(0, 1000, 0.001), c(5010000, 1e7, 0.5), c(3, 1e7, 1e-6))) {
  for (s in sides) case("binomialTest", list(unbox(b[1]), unbox(b[2]), unbox(b[3]), list(alternative = side(s))), list(statistic = one(b[1] / b[2]), pValue = one(binom.test(b[1], b[2], b[3], alternative = s)$p.value)))
  for (level in c(0.9, 0.99)) {
    found <- binom.test(b[1], b[2], conf.level = level)$conf.int
    case("proportionInterval", list(unbox(b[1]), unbox(b[2]), list(method = unbox("clopper-pearson"), confidence = unbox(level))), list(low = one(found[1]), high = one(found[2])))
    if (b[1] > 0 && b[1] < b[2]) {
      found <- suppressWarnings(prop.test(b[1], b[2], conf.level = level, correct = FALSE))$conf.int
      case("proportionInterval", list(unbox(b[1]), unbox(b[2]), list(method = unbox("wilson"), confidence = unbox(level))), list(low = one(found[1]), high = one(found[2])))
    }
  }
}
for (t in list(matrix(c(12, 5, 7, 7), 2), matrix(c(762, 327, 468, 484, 239, 477), 2, byrow = TRUE), matrix(c(1, 2, 3, 4, 5, 6, 7, 8, 10), 3))) {
  found <- suppressWarnings(chisq.test(t))
  case("chiSquareContingency", list(t), list(statistic = one(found$statistic), pValue = one(found$p.value), df = one(found$parameter), expected = found$expected))
}
for (t in list(c(89, 37, 30, 28, 2), c(5, 5, 5), c(1, 0, 0, 9))) {
  shares <- seq_along(t) / sum(seq_along(t))
  found <- suppressWarnings(chisq.test(t, p = shares))
  case("chiSquareGoodnessOfFit", list(t, found$expected), list(statistic = one(found$statistic), pValue = one(found$p.value), df = one(found$parameter)))
}

# Ranks
x <- round(rnorm(9), 3)
y <- round(rnorm(9, 0.6), 3)
tied <- c(1, 2, 2, 3, 5, 5, 5, 8)
other <- c(2, 2, 4, 5, 6, 8, 8, 9)
for (s in sides) {
  found <- wilcox.test(x, y, paired = TRUE, alternative = s, exact = TRUE)
  case("wilcoxonSignedRank", list(x, y, list(alternative = side(s), method = unbox("exact"))), list(rankSumPlus = one(found$statistic), pValue = one(found$p.value)))
  found <- wilcox.test(x, y, alternative = s, exact = TRUE)
  case("mannWhitneyU", list(x, y, list(alternative = side(s), method = unbox("exact"))), list(statistic = one(found$statistic), pValue = one(found$p.value)))
  for (correct in c(TRUE, FALSE)) {
    found <- suppressWarnings(wilcox.test(tied, other, alternative = s, exact = FALSE, correct = correct))
    case("mannWhitneyU", list(tied, other, list(alternative = side(s), method = unbox("asymptotic"), continuity = unbox(correct))), list(statistic = one(found$statistic), pValue = one(found$p.value)))
    found <- suppressWarnings(wilcox.test(tied, other, paired = TRUE, alternative = s, exact = FALSE, correct = correct))
    case("wilcoxonSignedRank", list(tied, other, list(alternative = side(s), method = unbox("asymptotic"), correction = unbox(correct))), list(rankSumPlus = one(found$statistic), pValue = one(found$p.value)))
  }
}
# R names the sides by the law of x, as the alternative of the samples' distribution functions.
for (s in sides) {
  found <- ks.test(x, y, alternative = s, exact = TRUE)
  case("ksTwoSample", list(x, y, list(alternative = side(s), method = unbox("exact"))), list(statistic = one(found$statistic), pValue = one(found$p.value)))
}
blocks <- matrix(c(5.40, 5.50, 5.55, 5.85, 5.70, 5.75, 5.20, 5.60, 5.50, 5.55, 5.50, 5.40, 5.90, 5.85, 5.70, 5.45, 5.55, 5.60, 5.40, 5.40, 5.35), ncol = 3, byrow = TRUE)
found <- friedman.test(blocks)
case("friedman", list(t(blocks)), list(statistic = one(found$statistic), pValue = one(found$p.value), df = one(found$parameter)))

# t tests
for (level in c(0.9, 0.95)) {
  found <- t.test(x, y, conf.level = level)
  case("welchTTest", list(x, y, list(confidence = unbox(level))), list(statistic = one(found$statistic), pValue = one(found$p.value), df = one(found$parameter), low = one(found$conf.int[1]), high = one(found$conf.int[2])))
  found <- t.test(x, y, paired = TRUE, conf.level = level)
  case("pairedTTest", list(x, y, list(confidence = unbox(level))), list(statistic = one(found$statistic), pValue = one(found$p.value), df = one(found$parameter), low = one(found$conf.int[1]), high = one(found$conf.int[2])))
}
many <- sleep$extra
case("pairedTTest", list(many[1:10], many[11:20]), with(t.test(many[1:10], many[11:20], paired = TRUE), list(statistic = one(statistic), pValue = one(p.value), low = one(conf.int[1]), high = one(conf.int[2]))))

# Many p values at once
for (p in list(c(0.01, 0.02, 0.03, 0.04, 0.05), c(0.04, 0.001, 0.3, 0.04, 0.04, 1, 0), sort(round(runif(25)^3, 5)), c(0.2), 10^-(1:12)))
  for (method in c("bonferroni", "holm", "hochberg", "hommel", "BH", "BY"))
    case("adjustPValues", list(p, unbox(switch(method, BH = "benjamini-hochberg", BY = "benjamini-yekutieli", method))), p.adjust(p, method))

# Power
for (p in list(c(0.5, 0.75, 50), c(0.9, 0.91, 5000), c(0.01, 0.02, 900), c(0.3, 0.3, 40)))
  case("powerTwoProportions", list(list(p1 = unbox(p[1]), p2 = unbox(p[2]), n = unbox(p[3]), variance = unbox("pooled"))), one(power.prop.test(n = p[3], p1 = p[1], p2 = p[2], strict = TRUE)$power))
for (p in list(c(0.5, 0.75, 0.9), c(0.9, 0.91, 0.8), c(0.05, 0.01, 0.95)))
  case("sampleSizeTwoProportions", list(list(p1 = unbox(p[1]), p2 = unbox(p[2]), power = unbox(p[3]), variance = unbox("pooled"))), one(ceiling(power.prop.test(p1 = p[1], p2 = p[2], power = p[3], tol = 1e-12)$n)))
for (p in list(c(5, 1, 1), c(20, 0.5, 1), c(3, 2, 1.5), c(200, 0.1, 0.4)))
  for (paired in c(TRUE, FALSE)) {
    found <- power.t.test(n = p[1], delta = p[2], sd = p[3], type = if (paired) "paired" else "two.sample", strict = TRUE)
    case("powerMeans", list(list(n = unbox(p[1]), difference = unbox(p[2]), standardDeviation = unbox(p[3]), paired = unbox(paired), test = unbox("t"))), one(found$power), 1e-8)
    found <- power.t.test(delta = p[2], sd = p[3], power = 0.9, type = if (paired) "paired" else "two.sample", strict = TRUE, tol = 1e-12)
    case("sampleSizeMeans", list(list(difference = unbox(p[2]), standardDeviation = unbox(p[3]), power = unbox(0.9), paired = unbox(paired), test = unbox("t"))), one(ceiling(found$n)))
  }

# pROC: DeLong's paired test and its variances; the z of roc.test is that of A - B.
data(aSAH)
labels <- as.integer(aSAH$outcome == "Poor")
sets <- list(list(labels, aSAH$s100b, aSAH$ndka), list(labels, aSAH$wfns_num <- as.integer(aSAH$wfns), aSAH$s100b))
for (n in c(12, 60, 400)) {
  l <- c(0, 1, rbinom(n - 4, 1, 0.4), 0, 1)
  sets[[length(sets) + 1]] <- list(l, round(rnorm(n, l), 1), round(rnorm(n, 1.5 * l), 1))
}
for (set in sets) {
  a <- roc(set[[1]], set[[2]], quiet = TRUE, direction = "<", levels = c(0, 1))
  b <- roc(set[[1]], set[[3]], quiet = TRUE, direction = "<", levels = c(0, 1))
  for (level in c(0.9, 0.95)) {
    found <- roc.test(a, b, method = "delong", paired = TRUE, conf.level = level)
    covariance <- matrix(c(var(a), cov(a, b), cov(a, b), var(b)), 2)
    case(
      "delong", list(set[[1]], set[[2]], set[[3]], list(confidence = unbox(level))),
      list(aucA = one(auc(a)), aucB = one(auc(b)), z = one(-found$statistic), pValue = one(found$p.value), low = one(-found$conf.int[2]), high = one(-found$conf.int[1]), covariance = covariance)
    )
  }
  case("rocAuc", list(set[[1]], set[[2]]), one(auc(a)))
}

# Quantiles of type 7
for (v in list(x, tied, c(4), c(2, 1)))
  for (p in c(0, 0.025, 0.37, 0.5, 0.975, 1)) case("quantile", list(v, unbox(p)), one(quantile(v, p, type = 7, names = FALSE)))

# boot: the intervals that given replicates make, each against the same replicates. `indices` are the drawn rows, from 0.
sample <- round(rexp(15), 3)
indices <- matrix(sample.int(15, 15 * 999, replace = TRUE), 999)
means <- apply(indices, 1, function(i) mean(sample[i]))
drawn <- boot(sample, function(d, i) mean(d[i]), R = 999)
drawn$t <- matrix(means, ncol = 1)
L <- empinf(drawn, index = 1, type = "jack")
acceleration <- sum(L^3) / (6 * sum(L^2)^1.5)
bias <- qnorm(sum(means < mean(sample)) / 999)
intervals <- lapply(c(0.9, 0.95), function(level) list(
  confidence = unbox(level),
  alpha = unbox(level),
  basic = boot.ci(drawn, conf = level, type = "basic")$basic[4:5],
  percentile = boot.ci(drawn, conf = level, type = "perc")$percent[4:5],
  bca = boot.ci(drawn, conf = level, type = "bca", L = L)$bca[4:5]
))
boots <- list(sample = sample, replicates = means, acceleration = unbox(acceleration), bias = unbox(bias), intervals = intervals)

versions <- list(R = unbox(R.version.string), boot = unbox(as.character(packageVersion("boot"))), pROC = unbox(as.character(packageVersion("pROC"))))
out <- function(value) toJSON(value, digits = NA, na = "string")
args <- commandArgs()
here <- dirname(sub("--file=", "", args[grep("--file=", args)]))
writeLines(c(paste0('{"versions": ', out(versions), ',"boot": ', out(boots), ',"cases": ['), paste(vapply(cases, out, ""), collapse = ",\n"), "]}"), file.path(here, "r.json"))
cat(length(cases), "cases\n")
