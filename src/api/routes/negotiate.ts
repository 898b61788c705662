/** Content-Security-Policy of a page that was made from what users wrote: it may look as it does, and do nothing. */
export const sandboxed = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; frame-ancestors 'none'; sandbox";

/** Of a report, which also runs what its own policy names by digest; it has no origin, so that it reaches no cookie, no page, no network. */
export const sandboxedReport = `${sandboxed} allow-scripts; script-src 'unsafe-inline'`;

/** The offer that an Accept header (RFC 9110, 12.5.1) likes best, the first where it does not mind; null where it takes none. */
export function preferred<Offer extends string>(accept: string | undefined, offers: readonly Offer[]): Offer | null {
  if (accept === undefined || accept.trim() === '') return offers[0] ?? null;
  const ranges = accept.split(',').map((entry) => {
    const [type = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase());
    const weight = parameters.map((parameter) => /^q=([01](?:\.\d{0,3})?)$/.exec(parameter)?.[1]).find((found) => found !== undefined);
    return { type, weight: weight === undefined ? 1 : Number(weight) };
  });
  const weightOf = (offer: string): number => {
    const whole = `${offer.split('/')[0]}/*`;
    for (const type of [offer, whole, '*/*']) {
      const range = ranges.find((candidate) => candidate.type === type);
      if (range !== undefined) return range.weight;
    }
    return 0;
  };
  const best = offers.reduce<Offer | null>(
    (chosen, offer) => (weightOf(offer) > (chosen === null ? 0 : weightOf(chosen)) ? offer : chosen),
    null,
  );
  return best;
}
