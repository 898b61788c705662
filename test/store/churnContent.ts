/** What the putters of churnChild.ts store. */
export const contentOf = (i: number): string => `content ${i} `.repeat(2_000);
