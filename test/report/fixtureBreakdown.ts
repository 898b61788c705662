import type { Breakdown, CalibrationBin, ClassDifference, Difference, RegisteredPlan, SliceDifference } from '../../src/contract';

export const fixtureSlices: RegisteredPlan['slices'] = [
  { name: 'thin strokes', where: 'ink < 4' },
  { name: 'bold strokes', where: 'ink >= 12' },
  { name: 'brush', where: "pen = 'brush'" },
  { name: 'left-handed', where: "hand = 'left'" },
];

/** A candidate with something to say in every part. */
export function richBreakdown(control: string, variant: string, classes: readonly string[]): Breakdown {
  return {
    control,
    variant,
    metric: 'accuracy',
    slices: [
      slice('thin strokes', 'ink < 4', 128, 0.902, 0.058, 0.031, 0.0004, 0.0012, 'better'),
      slice('bold strokes', 'ink >= 12', 141, 0.971, -0.034, 0.027, 0.012, 0.018, 'worse'),
      slice('brush', "pen = 'brush'", 104, 0.942, 0.006, 0.034, 0.74, 0.74, 'open'),
      slice('left-handed', "hand = 'left'", 41, 0.927, 0.049, 0.16, null, null, 'too-small'),
    ],
    weakSlices: {
      columns: ['ink', 'pen', 'hand', 'width'],
      searched: 180,
      tested: 179,
      tried: 46,
      falseDiscoveryRate: 0.1,
      found: [
        slice('ink >= 13.5', 'ink >= 13.5', 101, 0.98, -0.049, 0.04, 0.008, 0.024, 'worse'),
        slice("width < 3.2 and pen = 'nib'", "width < 3.2 and pen = 'nib'", 112, 0.92, 0.045, 0.041, 0.02, 0.04, 'better'),
        slice("hand = 'right'", "hand = 'right'", 139, 0.95, 0.014, 0.03, 0.36, 0.36, 'open'),
      ],
    },
    dependence: {
      leftOut: 4,
      of: 359,
      all: difference(0.946, 0.0214, 0.0137),
      without: difference(0.957, 0.0101, 0.0127),
      changes: true,
      units: Array.from({ length: 10 }, (_, i) => ({
        id: `d${String(100 + 17 * i).padStart(4, '0')}`,
        rows: 1,
        part: (5 - (i >> 1)) / 1795,
      })),
    },
    reversals: [
      {
        by: 'pen',
        kind: 'reversal',
        whole: 0.0214,
        parts: [
          { name: 'nib', rows: 190, difference: -0.011, low: -0.031, high: 0.009 },
          { name: 'brush', rows: 104, difference: -0.006, low: -0.04, high: 0.028 },
          { name: 'other', rows: 65, difference: null, low: null, high: null },
        ],
        sentence: 'mlp is better by 2.14 pp as a whole, and not better in any part by pen: the parts have other shares of it.',
      },
    ],
    calibration: { control: bins(0.02, 0), variant: bins(-0.05, 1) },
    confusion: {
      cells: [
        { label: '8', prediction: '8', control: 29.4, variant: 33.2 },
        { label: '8', prediction: '1', control: 4.2, variant: 1 },
        { label: '3', prediction: '3', control: 34.6, variant: 36.4 },
        { label: '3', prediction: '5', control: 1.6, variant: 0.4 },
        { label: '4', prediction: '4', control: 35, variant: 33.8 },
        { label: '4', prediction: '9', control: 0.6, variant: 1.8 },
        { label: '9', prediction: '7', control: 1.2, variant: 0.2 },
        { label: '9', prediction: '9', control: 33, variant: 34 },
        { label: '1', prediction: '2', control: 0.4, variant: 0 },
      ],
      differing: 9,
    },
    classes: classes.map((label, i) => classDifference(label, i)),
  };
}

/** One of which nothing could be looked at but the predictions. */
export function poorBreakdown(control: string, variant: string): Breakdown {
  return {
    control,
    variant,
    metric: 'accuracy',
    slices: [],
    weakSlices: null,
    dependence: null,
    reversals: [],
    calibration: { control: [], variant: [] },
    confusion: { cells: [], differing: 0 },
    classes: [],
  };
}

function difference(control: number, change: number, half: number): Difference {
  return { control, variant: round(control + change), difference: change, low: round(change - half), high: round(change + half) };
}

function slice(
  name: string,
  where: string,
  rows: number,
  control: number,
  change: number,
  half: number,
  pValue: number | null,
  adjustedPValue: number | null,
  verdict: SliceDifference['verdict'],
): SliceDifference {
  return { ...difference(control, change, half), name, where, rows, units: rows, pValue, adjustedPValue, verdict };
}

function bins(lean: number, arm: number): CalibrationBin[] {
  return Array.from({ length: 10 }, (_, i) => {
    const from = round((i + 5) / 15);
    const rows = [1.2, 2, 3.4, 4, 6, 8, 12.6, 21, 44, 256.8][i] ?? 0;
    const confidence = round(from + (0.04 + arm * 0.004) * (i === 9 ? 1.4 : 1));
    const accuracy = round(Math.min(0.998, Math.max(0.05, confidence + lean * (1 - i / 12))));
    const half = 0.9 / Math.sqrt(rows * 5);
    return {
      from,
      to: round((i + 6) / 15),
      rows,
      confidence,
      accuracy,
      low: round(Math.max(0.01, accuracy - half)),
      high: round(Math.min(0.999, accuracy + half)),
    };
  });
}

function classDifference(label: string, i: number): ClassDifference {
  const change = round([0.01, 0.004, 0.012, 0.031, -0.028, 0, 0.008, 0.015, 0.068, 0.019][i % 10] ?? 0);
  const tested = i % 5 !== 1;
  const p = Math.abs(change) > 0.025 ? 0.004 : 0.4;
  return {
    class: label,
    rows: tested ? 100 + 7 * (i % 10) : 33,
    precision: difference(0.92, round(change * 0.8), 0.03),
    recall: difference(0.91, round(change * 1.1), 0.035),
    f1: difference(0.915, change, tested ? 0.022 : 0.09),
    pValue: tested ? p : null,
    adjustedPValue: tested ? Math.min(1, p * 3) : null,
  };
}

const round = (value: number): number => Number(value.toFixed(5));
