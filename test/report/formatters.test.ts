import { formatters } from '../../src/report';

const table: [string, string, string][] = [
  ['percent', formatters.formatPercent(0.9421), '94.2 %'],
  ['percent short of 100 keeps saying so', formatters.formatPercent(0.99996), '99.996 %'],
  ['percent of exactly 1', formatters.formatPercent(1), '100.0 %'],
  ['percent just above 0', formatters.formatPercent(0.0002), '0.02 %'],
  ['percent points up', formatters.formatPercentPoints(0.0132), '+1.32 pp'],
  ['percent points down, with a real minus', formatters.formatPercentPoints(-0.004), '−0.40 pp'],
  ['percent points of nothing', formatters.formatPercentPoints(0), '0.00 pp'],
  ['a tiny negative difference has no sign of zero', formatters.formatPercentPoints(-1e-7), '0.00 pp'],
  ['milliseconds', formatters.formatMs(4.1234), '4.12 ms'],
  ['many milliseconds', formatters.formatMs(128.4), '128 ms'],
  ['small p', formatters.formatP(0.00004), 'p < 0.001'],
  ['p below a tenth', formatters.formatP(0.0123), 'p = 0.012'],
  ['large p', formatters.formatP(0.4251), 'p = 0.43'],
  ['p exactly one', formatters.formatP(1), 'p = 1.00'],
  ['no p', formatters.formatP(null), 'p not defined'],
  ['seconds', formatters.formatSeconds(31.24), '31.2 s'],
  ['minutes', formatters.formatSeconds(192), '3 min 12 s'],
  ['almost a minute', formatters.formatSeconds(59.99), '1 min 00 s'],
  ['hours', formatters.formatSeconds(3840), '1 h 04 min'],
  ['bytes', formatters.formatBytes(812 * 1024 * 1024), '812 MiB'],
  ['few bytes', formatters.formatBytes(12), '12 B'],
  ['energy', formatters.formatEnergy(842), '842 J'],
  ['much energy', formatters.formatEnergy(12_400), '12.4 kJ'],
  ['difference of energy', formatters.formatDifference('energy', -2_150_000), '−2.15 MJ'],
  ['interval of energy in one unit', formatters.formatDifferenceInterval('energy', -400, 2000), '[−0.40, +2.00] kJ'],
  ['device hours', formatters.formatMetric('gpu_hours', 0.2043), '0.204 h'],
  ['count', formatters.formatCount(1234567), '1,234,567'],
  ['a share as it was written', formatters.formatConfidence(0.95), '95 %'],
  ['accuracy', formatters.formatMetric('accuracy', 0.9463), '94.6 %'],
  ['AUC has two decimals', formatters.formatMetric('auc_ovr', 0.99612), '99.61 %'],
  ['log loss', formatters.formatMetric('log_loss', 0.1234), '0.123'],
  ['throughput', formatters.formatMetric('throughput', 15234.4), '15,234 samples/s'],
  ['a metric nobody knows', formatters.formatMetric('constructor', 12.345), '12.3'],
  ['difference of latency', formatters.formatDifference('latency_p95', 0.0891), '+0.089 ms'],
  ['difference of log loss', formatters.formatDifference('log_loss', -0.0107), '−0.011'],
  ['interval in percent points', formatters.formatDifferenceInterval('accuracy', 0.0038, 0.0226), '[+0.38, +2.26] pp'],
  ['interval with one scale of decimals', formatters.formatDifferenceInterval('latency_p95', -0.0218, 0.1986), '[−0.022, +0.199] ms'],
  ['interval of bytes in one unit', formatters.formatDifferenceInterval('peak_memory', -1048576, 3 * 1048576), '[−1.00, +3.00] MiB'],
  ['interval of thousands', formatters.formatDifferenceInterval('throughput', -14_890, 21_720), '[−14,890, +21,720] samples/s'],
  ['difference with its interval', formatters.formatDifferenceWithInterval('accuracy', 0.0132, 0.0038, 0.0226), '+1.32  [+0.38, +2.26] pp'],
  [
    'difference with its interval, too wide for its unit',
    formatters.formatDifferenceWithInterval('throughput', 18_500, 14_890, 21_720),
    '+18,500  [+14,890, +21,720]',
  ],
  ['difference that has no interval', formatters.formatDifferenceWithInterval('accuracy', 0.0132, null, null), '+1.32 pp, no interval'],
  ['a part far below a hundredth of a point', formatters.formatPart('accuracy', 0.00000123), '+0.00012 pp'],
  ['a part as large as others', formatters.formatPart('accuracy', -0.02), '−2.00 pp'],
  ['a part of a loss', formatters.formatPart('log_loss', -0.0107), '−0.011'],
  ['a mean of counts that is whole', formatters.formatMeanCount(1234.0000000001), '1,234'],
  ['a mean of counts', formatters.formatMeanCount(29.44), '29.4'],
  ['more rows in a cell', formatters.formatCountDifference(3.8), '+3.8'],
  ['fewer rows in a cell', formatters.formatCountDifference(-3), '−3'],
  ['a tick', formatters.formatTick(0.004, 0.002), '+0.004'],
  ['a tick of thousands', formatters.formatTick(-5000, 5000), '−5,000'],
  ['interval of a metric', formatters.formatInterval('accuracy', 0.931, 0.9634), '[93.1, 96.3] %'],
  ['half an interval', formatters.formatInterval('accuracy', 0.931, null), 'not defined'],
  ['amount without sign', formatters.formatAmount('accuracy', -0.012), '1.20 pp'],
  ['time', formatters.formatTime('2026-11-21T14:03:12.000Z'), '2026-11-21 14:03 UTC'],
];

test.each(table)('%s', (_, shown, expected) => {
  expect(shown).toBe(expected);
});

test('what is no finite number is called not defined by every formatter', () => {
  for (const value of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY]) {
    for (const format of [
      formatters.formatPercent,
      formatters.formatPercentPoints,
      formatters.formatMs,
      formatters.formatPValue,
      formatters.formatSeconds,
      formatters.formatBytes,
      formatters.formatEnergy,
      formatters.formatCount,
      formatters.formatNumber,
    ]) {
      expect(format(value)).toBe('not defined');
    }
    expect(formatters.formatDifference('accuracy', value)).toBe('not defined');
    expect(formatters.formatMetric('latency_p95', value)).toBe('not defined');
  }
});
