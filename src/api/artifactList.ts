import type { RunResult } from '../contract';

export const artifactNames = ['predictions', 'events', 'log', 'model', 'result', 'telemetry'] as const;
export type ArtifactName = (typeof artifactNames)[number];

/** What a run left, and where it is to be had. */
export function artifactsOf(experiment: string, variant: string, { seed, artifacts }: RunResult) {
  return artifactNames.flatMap((name) => {
    const ref = artifacts[name];
    if (!ref) return [];
    const href = `/v1/experiments/${experiment}/runs/${variant}/${seed}/${name}`;
    return [{ name, href, digest: ref.digest, size: ref.size, mediaType: ref.mediaType }];
  });
}
