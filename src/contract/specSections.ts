import type { ResolvedSpec } from './spec';
import type { Path, Problem } from './specProblems';

/** The sections that are whole; a check that needs another waits until that is mended. */
export type Sections = Partial<Omit<ResolvedSpec, 'root'>>;
/** Whether a problem was already reported at, above or below a path, so that no check judges what is not to be trusted. */
export type Doubtful = (...path: Path) => boolean;
export type SpecCheck = (sections: Sections, doubtful: Doubtful) => Problem[];
