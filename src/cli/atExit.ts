/** What the command waits for before it ends; set by whoever has begun something. Apart, so that the command loads nothing for it. */
export const atExit: { settle: () => Promise<void> } = { settle: () => Promise.resolve() };
