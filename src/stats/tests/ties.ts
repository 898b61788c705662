/** Walks the groups of equal values of two ascending arrays together: how many of each array stand in a group. */
export function eachTie(x: Float64Array, y: Float64Array, visit: (inX: number, inY: number) => void): void {
  let [i, j] = [0, 0];
  while (i < x.length || j < y.length) {
    const value = i === x.length ? y[j]! : j === y.length ? x[i]! : Math.min(x[i]!, y[j]!);
    const [fromX, fromY] = [i, j];
    while (i < x.length && x[i] === value) i++;
    while (j < y.length && y[j] === value) j++;
    visit(i - fromX, j - fromY);
  }
}
