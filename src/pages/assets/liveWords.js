// As `experimentWords.ts` writes them.

/** @param {number} loss */
export const lossText = (loss) => {
  const rounded = Number(loss.toPrecision(4));
  const size = Math.abs(rounded);
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? rounded.toExponential() : String(rounded);
};

/** @param {number} count */
export const grouped = (count) => count.toLocaleString('en-US');

/** @param {number} seconds */
export const spanOf = (seconds) =>
  seconds < 90 ? `${Math.round(seconds)} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
