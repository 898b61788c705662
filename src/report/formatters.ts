import { metricInfo } from './metricInfo';

/** What stands where a number is undefined (0/0, no data), in tables and sentences alike. */
export const notDefined = 'not defined';
const minus = '−';

type Maybe = number | null | undefined;

/** 0.9421 -> "94.2 %"; a value just short of 0 or 100 keeps the decimals that say so. */
export function formatPercent(fraction: Maybe, digits = 1): string {
  if (!isNumber(fraction)) return notDefined;
  const percent = fraction * 100;
  const enough = [digits, 2, 3, 4].find((count) => count >= digits && exactEnds(percent, count)) ?? 4;
  return `${fixed(percent, enough)} %`;
}

/** A difference of fractions: 0.0132 -> "+1.32 pp". */
export function formatPercentPoints(difference: Maybe): string {
  return isNumber(difference) ? `${signed(difference * 100, 2)} pp` : notDefined;
}

/** Milliseconds: "4.12 ms", "128 ms". */
export function formatMs(ms: Maybe): string {
  return isNumber(ms) ? `${plain(ms)} ms` : notDefined;
}

/** "p < 0.001", "p = 0.012". */
export function formatP(p: Maybe): string {
  if (!isNumber(p)) return `p ${notDefined}`;
  return p < 0.001 ? 'p < 0.001' : `p = ${formatPValue(p)}`;
}

/** The same without its name, for a column headed p. */
export function formatPValue(p: Maybe): string {
  if (!isNumber(p)) return notDefined;
  if (p < 0.001) return '< 0.001';
  return p < 0.1 ? p.toFixed(3) : p.toFixed(2);
}

/** Seconds as a person says them: "0.42 s", "3 min 12 s", "1 h 04 min". */
export function formatSeconds(seconds: Maybe): string {
  if (!isNumber(seconds)) return notDefined;
  if (Math.abs(seconds) < 59.95) return `${plain(seconds)} s`;
  const whole = Math.round(Math.abs(seconds));
  const sign = seconds < 0 ? minus : '';
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${sign}${minutes} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${sign}${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

export function formatBytes(bytes: Maybe): string {
  if (!isNumber(bytes)) return notDefined;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let scaled = bytes;
  let unit = 0;
  while (Math.abs(scaled) >= 1024 && unit < units.length - 1) {
    scaled /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? fixed(scaled, 0) : plain(scaled)} ${units[unit] ?? 'B'}`;
}

/** 0.0042 J -> "0.0042 J", 12,400 J -> "12.4 kJ". */
export function formatEnergy(joules: Maybe): string {
  if (!isNumber(joules)) return notDefined;
  const { scale, unit } = energyUnit(Math.abs(joules));
  return `${plain(joules / scale)} ${unit}`;
}

/** A sentence of the rule with the minus that every other number of a report has: "-0.4 pp" -> "−0.4 pp". */
export const withMinus = (sentence: string): string => sentence.replace(/(?<=^|[\s([])-(?=\d)/g, minus);

/** 1797 -> "1,797". */
export function formatCount(count: Maybe): string {
  return isNumber(count) ? grouped(fixed(count, 0)) : notDefined;
}

/** Any other number. */
export function formatNumber(value: Maybe): string {
  return isNumber(value) ? plain(value) : notDefined;
}

/** A value of a metric in the metric's unit. */
export function formatMetric(metric: string, value: Maybe): string {
  if (!isNumber(value)) return notDefined;
  switch (metricInfo(metric).unit) {
    case 'fraction':
      return formatPercent(value, fractionDigits(metric));
    case 'ms':
      return formatMs(value);
    case 's':
      return formatSeconds(value);
    case 'bytes':
      return formatBytes(value);
    case 'h':
      return `${plain(value)} h`;
    case 'J':
      return formatEnergy(value);
    case 'samples/s':
      return `${grouped(plain(value))} samples/s`;
    default:
      return plain(value);
  }
}

/** Variant minus control in the metric's unit, with its sign. */
export function formatDifference(metric: string, difference: Maybe): string {
  if (!isNumber(difference)) return notDefined;
  return metricInfo(metric).unit === 'fraction' ? formatPercentPoints(difference) : withSign(difference, formatMetric(metric, difference));
}

/** "[+0.38, +2.26] pp": both bounds with the decimals of the wider one, the unit once. */
export function formatDifferenceInterval(metric: string, low: Maybe, high: Maybe): string {
  if (!isNumber(low) || !isNumber(high)) return notDefined;
  const { unit, scale, suffix } = differenceUnit(metric, Math.max(Math.abs(low), Math.abs(high)));
  const digits = unit === 'fraction' ? 2 : decimals(Math.max(Math.abs(low), Math.abs(high)) / scale);
  return `[${grouped(signed(low / scale, digits))}, ${grouped(signed(high / scale, digits))}]${suffix}`;
}

/** "+1.32 [+0.38, +2.26] pp": difference and interval in one unit, which is left out where the whole would be too wide for a drawing. */
export function formatDifferenceWithInterval(metric: string, difference: Maybe, low: Maybe, high: Maybe): string {
  if (!isNumber(difference)) return notDefined;
  if (!isNumber(low) || !isNumber(high)) return `${formatDifference(metric, difference)}, no interval`;
  const { unit, scale, suffix } = differenceUnit(metric, Math.max(Math.abs(low), Math.abs(high)));
  const digits = unit === 'fraction' ? 2 : decimals(Math.max(Math.abs(low), Math.abs(high)) / scale);
  const [middle = '', from = '', to = ''] = [difference, low, high].map((value) => grouped(signed(value / scale, digits)));
  const numbers = `${middle}  [${from}, ${to}]`;
  return numbers.length + suffix.length > 30 ? numbers : `${numbers}${suffix}`;
}

/** A single unit's part of a difference, which may be far below a hundredth of a point: at least two significant digits. */
export function formatPart(metric: string, part: Maybe): string {
  if (!isNumber(part)) return notDefined;
  if (metricInfo(metric).unit !== 'fraction') return formatDifference(metric, part);
  const points = part * 100;
  const digits = points === 0 ? 2 : Math.min(9, Math.max(2, 1 - Math.floor(Math.log10(Math.abs(points)))));
  return `${signed(points, digits)} pp`;
}

/** A count, or a count averaged over seeds. */
export function formatMeanCount(count: Maybe): string {
  if (!isNumber(count)) return notDefined;
  return grouped(fixed(count, Number.isInteger(Number(count.toFixed(6))) ? 0 : 1));
}

/** The same with its sign. */
export function formatCountDifference(difference: Maybe): string {
  return isNumber(difference) ? withSign(difference, formatMeanCount(difference)) : notDefined;
}

/** A label of an axis whose ticks are `step` apart. */
export function formatTick(value: number, step: number): string {
  return value === 0 ? '0' : grouped(signed(value, Math.max(0, -Math.floor(Math.log10(step) + 1e-9))));
}

/** "[93.4, 95.2] %" of a metric's own value. */
export function formatInterval(metric: string, low: Maybe, high: Maybe): string {
  if (!isNumber(low) || !isNumber(high)) return notDefined;
  if (metricInfo(metric).unit === 'fraction') {
    const digits = fractionDigits(metric);
    return `[${fixed(low * 100, digits)}, ${fixed(high * 100, digits)}] %`;
  }
  const { scale, suffix } = differenceUnit(metric, Math.max(Math.abs(low), Math.abs(high)));
  const digits = decimals(Math.max(Math.abs(low), Math.abs(high)) / scale);
  return `[${grouped(fixed(low / scale, digits))}, ${grouped(fixed(high / scale, digits))}]${suffix}`;
}

/** Confidence 0.95 -> "95 %". */
export const formatConfidence = (confidence: number): string => `${Number((confidence * 100).toFixed(2))} %`;

/** An amount with no sign and the difference's unit: "1.20 pp", "0.4 ms". */
export function formatAmount(metric: string, amount: Maybe): string {
  return isNumber(amount) ? formatDifference(metric, Math.abs(amount)).replace(/^\+/, '') : notDefined;
}

/** "2026-11-21 14:03 UTC" */
export function formatTime(iso: string): string {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(iso) ? `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC` : iso;
}

/** Scale and suffix in which differences of a metric are written and drawn. */
export function differenceUnit(metric: string, magnitude: number): { unit: string | null; scale: number; suffix: string } {
  const { unit } = metricInfo(metric);
  if (unit === 'fraction') return { unit, scale: 0.01, suffix: ' pp' };
  if (unit === 'bytes') {
    const step = magnitude >= 1024 ** 3 ? 3 : magnitude >= 1024 ** 2 ? 2 : magnitude >= 1024 ? 1 : 0;
    return { unit, scale: 1024 ** step, suffix: ` ${['B', 'KiB', 'MiB', 'GiB'][step] ?? 'B'}` };
  }
  if (unit === 'J') {
    const energy = energyUnit(magnitude);
    return { unit, scale: energy.scale, suffix: ` ${energy.unit}` };
  }
  return { unit, scale: 1, suffix: unit === null || unit === 'nats' ? '' : ` ${unit}` };
}

function energyUnit(joules: number): { scale: number; unit: string } {
  const step = joules >= 1e9 ? 3 : joules >= 1e6 ? 2 : joules >= 1e3 ? 1 : 0;
  return { scale: 1000 ** step, unit: ['J', 'kJ', 'MJ', 'GJ'][step] ?? 'J' };
}

/** Rounded to 0 or 100 only what is 0 or 100. */
function exactEnds(percent: number, digits: number): boolean {
  const rounded = Number(percent.toFixed(digits));
  return (rounded !== 0 && rounded !== 100) || rounded === percent;
}

/** An AUC and a calibration error live near an end of their scale, where one decimal of a percent says little. */
const fractionDigits = (metric: string): number => (metric === 'auc_ovr' || metric === 'ece' ? 2 : 1);

function plain(value: number): string {
  return fixed(value, decimals(Math.abs(value)));
}

/** Three significant digits from 1 on, three decimals below, two significant digits below 0.01. */
function decimals(magnitude: number): number {
  if (magnitude === 0) return 0;
  if (magnitude < 1e-6) return 9;
  if (magnitude < 0.01) return 1 - Math.floor(Math.log10(magnitude));
  return magnitude < 1 ? 3 : Math.max(0, 2 - Math.floor(Math.log10(magnitude)));
}

function fixed(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(Math.min(digits, 12));
  return value < 0 && Number(text) !== 0 ? `${minus}${text}` : text;
}

function signed(value: number, digits: number): string {
  return withSign(value, fixed(value, digits));
}

const withSign = (value: number, text: string): string => (value > 0 ? `+${text}` : text);

const grouped = (text: string): string => text.replace(/^(.?\d+)/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, ','));

const isNumber = (value: Maybe): value is number => typeof value === 'number' && Number.isFinite(value);
