// Proves: the order of starts favours no variant, and every variant meets every seed once.
import { counterbalanced } from '../../src/workflows/order';

const names = (variants: string[], seeds: number[]): string =>
  counterbalanced(variants, seeds)
    .map(({ variant, seed }) => `${variant}${seed}`)
    .join(' ');

test('variants take turns forwards and backwards, seed by seed', () => {
  expect(names(['a', 'b', 'c'], [7, 8, 9])).toBe('a7 b7 c7 c8 b8 a8 a9 b9 c9');
});

test('over an even number of seeds every variant has the same mean place', () => {
  const order = counterbalanced(['a', 'b', 'c'], [1, 2, 3, 4]);
  const mean = (name: string): number => order.reduce((sum, { variant }, place) => sum + (variant === name ? place : 0), 0) / 4;
  expect([mean('a'), mean('b'), mean('c')]).toEqual([5.5, 5.5, 5.5]);
});

test('the given lists stay as they are', () => {
  const variants = ['a', 'b'];
  counterbalanced(variants, [1, 2]);
  expect(variants).toEqual(['a', 'b']);
});

test('one seed starts in the order of the spec, and no seed starts nothing', () => {
  expect(names(['a', 'b'], [3])).toBe('a3 b3');
  expect(names(['a', 'b'], [])).toBe('');
});
