/**
 * Sum with a second number for what rounding lost (Neumaier 1974): right to all but the last digit, so that the order of the terms changes
 * nothing short of a tie in the last rounding.
 */
export function sumOf(values: ArrayLike<number>): number {
  let sum = 0;
  let lost = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return sum + lost;
}
