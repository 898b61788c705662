import { AssayError } from '../../contract';
import { testClasses, codesOf, type ClassColumn } from '../compare/testClasses';
import { testScores } from '../compare/testScores';
import type { PredictionFile } from '../predictions/file';
import { readRuns } from '../predictions/files';
import { withTemporaryFolder } from '../temporaryFolder';

/** One run of a pilot, with labels and scores by the classes that all of its files have in common. */
export interface PilotFile {
  place: string;
  seed: number | null;
  ids: string[];
  labels: Int32Array | null;
  scores: Float64Array;
}

/** Predictions with ids and scores, as `assay compare` reads them: a list of runs for each path. */
export async function readPilotFiles(paths: readonly string[]): Promise<{ classes: string[]; sides: PilotFile[][] }> {
  return await withTemporaryFolder('assay-pilot-', async (workDir) => {
    const sides: PredictionFile[][] = [];
    // One after the other: each may take hundreds of megabytes while it is read.
    for (const path of paths) sides.push(await readRuns(path, { workDir }));
    const files = sides.flat();
    const labels = files.flatMap((file) => labelsOf(file) ?? []);
    const { classes } = testClasses(files, labels, undefined);
    return { classes, sides: sides.map((runs) => runs.map((run) => scored(run, classes, (files[0] as PredictionFile).place))) };
  });
}

function scored(file: PredictionFile, classes: readonly string[], reference: string): PilotFile {
  const { place, seed, ids } = file;
  if (ids === null) throw new AssayError('DataInvalid', `${place}: has no ids; expected ids.npy, or a column "id"`);
  if (file.scores === null) throw new AssayError('PredictionsInvalid', `${place}: expected one score column a class, 2 or more, got none`);
  const labels = labelsOf(file);
  return {
    place,
    seed,
    ids,
    labels: labels === null ? null : codesOf(labels, classes).codes,
    scores: testScores(file, classes, { order: null, reference }).scores,
  };
}

const labelsOf = ({ place, labels, at }: PredictionFile): ClassColumn | null =>
  labels === null ? null : { place, what: 'label', column: labels, at };
