import type { Path, Problem } from './specProblems';
import type { Sections } from './specSections';
import { fromRoot } from './specValues';

/** Files the spec names that are not there. `exists` gets a path relative ones of which start from `root`. */
export function checkPaths(sections: Sections & { root: string }, exists: (path: string) => boolean): Problem[] {
  const { data, training, variants = [], root } = sections;
  const files: { path: Path; file: string }[] = [];
  if (data !== undefined && !/^(?:builtin|s3|dvc|snapshot):/.test(data.source)) files.push({ path: ['data', 'source'], file: data.source });
  if (data !== undefined && 'train' in data.split) {
    for (const name of ['train', 'validation', 'test'] as const) {
      const file = data.split[name];
      if (file !== undefined) files.push({ path: ['data', 'split', name], file });
    }
  }
  for (const [index, file] of (training?.code ?? []).entries()) files.push({ path: ['training', 'code', index], file });
  for (const [index, { model }] of variants.entries()) {
    if (model !== undefined) files.push({ path: ['variants', index, 'model'], file: model });
  }
  return files.flatMap(({ path, file }): Problem[] => {
    const place = fromRoot(root, file);
    return exists(place) ? [] : [{ path, at: 'value', message: `expected a file or folder, got nothing at ${place}` }];
  });
}
