/**
 * Order in which runs are started: seed by seed, the variants in turn forwards and backwards (AB BA AB ...),
 * so that no variant always runs first on a cold host or last on a warm one.
 */
export function counterbalanced<V>(variants: readonly V[], seeds: readonly number[]): { variant: V; seed: number }[] {
  return seeds.flatMap((seed, i) => (i % 2 === 0 ? [...variants] : [...variants].reverse()).map((variant) => ({ variant, seed })));
}
