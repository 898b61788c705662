import { type Alias, metricCatalogue, type MetricName, type Registered, type Result } from '../../contract';
import { type Mlflow, NotPublished } from './client';
import { type Tag, tagsOf } from './names';
import { codeOf, type ServerRun } from './runs';

interface Candidate {
  run: ServerRun;
  seed: number;
  /** Of the model. */
  digest: string;
}

interface Version {
  name: string;
  version: string;
  creation_timestamp?: number | string;
  tags?: Tag[];
}

export type Registration = { registered: Registered; left: string | null } | { why: string };

/** The alias that a version was given: once, so that a person who moves it later has the last word. */
const aliasTag = 'assay.alias';
const finishedTag = 'assay.finishedAt';

/** A version of the registered model, and the alias that verdict and approval give it; else why there is none. */
export async function registerModel(
  mlflow: Mlflow,
  { result, model, models }: { result: Result; model: string; models: Map<string, Candidate[]> },
): Promise<Registration> {
  const chosen = choose(result);
  if ('why' in chosen) return { why: `no model was registered: ${chosen.why}` };
  const { variant, alias } = chosen;
  const [candidate] = models.get(variant) ?? [];
  if (candidate === undefined) return { why: `no model was registered: no run of ${variant} has a model on the server` };
  const { run, seed } = candidate;

  const aliases = await registeredModel(mlflow, model, result.name);
  const version = (await versionOf(mlflow, model, run)) ?? (await newVersion(mlflow, { model, variant, result, ...candidate }));
  const registered = { model, version: version.version, variant, seed };
  if (valueOf(version, aliasTag) === alias) return { registered: { ...registered, alias }, left: null };
  const holder = aliases.get(alias);
  if (holder !== undefined && holder !== version.version) {
    const newer = await finishedLater(mlflow, model, holder, result);
    if (newer !== null)
      return { registered: { ...registered, alias: null }, left: `${alias} of ${model} stays with version ${holder}: ${newer}` };
  }
  await mlflow.post('registered-models/alias', { name: model, alias, version: version.version });
  await mlflow.post('model-versions/set-tag', { name: model, version: version.version, key: aliasTag, value: alias });
  return { registered: { ...registered, alias }, left: null };
}

/** `champion`: adopted, and approved where a person was asked; `challenger`: no worse as far as is known, and still open or as good. */
function choose(result: Result): { variant: string; alias: Alias } | { why: string } {
  const { verdict, approval } = result;
  if (approval?.state === 'rejected') return { why: `${approval.by ?? 'a person'} rejected the verdict` };
  if (approval?.state === 'waiting') return { why: 'the verdict waits for a person' };
  switch (verdict.outcome) {
    case 'adopt':
      return verdict.variant === null ? { why: 'the verdict names no variant' } : { variant: verdict.variant, alias: 'champion' };
    case 'equivalent':
    case 'inconclusive': {
      if (verdict.harm) return { why: 'harm is shown' };
      const variant = foremost(result);
      return variant === null ? { why: 'there is no comparison' } : { variant, alias: 'challenger' };
    }
    case 'keep':
      return { why: 'the control is kept' };
    case 'invalid':
      return { why: 'the comparison is invalid' };
  }
}

/** The candidate with the best difference in the primary metric. */
function foremost({ comparisons, plan }: Result): string | null {
  const sign = metricCatalogue[plan.primary as MetricName]?.better === 'lower' ? -1 : 1;
  const [best] = comparisons
    .filter(({ metric, difference }) => metric === plan.primary && difference !== null)
    .sort((a, b) => sign * ((b.difference ?? 0) - (a.difference ?? 0)));
  return best?.variant ?? null;
}

/** Made where it is not there; its aliases with their versions. */
async function registeredModel(mlflow: Mlflow, name: string, experiment: string): Promise<Map<string, string>> {
  try {
    const { registered_model: found } = await mlflow.get<{ registered_model: { aliases?: { alias: string; version: string }[] } }>(
      'registered-models/get',
      { name },
    );
    return new Map((found.aliases ?? []).map(({ alias, version }) => [alias, String(version)]));
  } catch (error) {
    if (codeOf(error) !== 'RESOURCE_DOES_NOT_EXIST') throw error;
  }
  try {
    await mlflow.post('registered-models/create', { name, tags: tagsOf({ 'assay.name': experiment }) });
  } catch (error) {
    if (codeOf(error) !== 'RESOURCE_ALREADY_EXISTS') throw error;
  }
  return new Map();
}

async function versionOf(mlflow: Mlflow, model: string, { id }: ServerRun): Promise<Version | undefined> {
  if (!/^[\w-]+$/.test(id)) throw new NotPublished('refused', `${mlflow.uri} names a run "${id}", which is no id`);
  const { model_versions: found = [] } = await mlflow.get<{ model_versions?: Version[] }>('model-versions/search', {
    filter: `run_id='${id}'`,
    max_results: '1000',
  });
  return found.filter(({ name }) => name === model).sort((a, b) => Number(a.version) - Number(b.version))[0];
}

async function newVersion(
  mlflow: Mlflow,
  { model, variant, result, run, seed, digest }: Candidate & { model: string; variant: string; result: Result },
): Promise<Version> {
  const { model_version: made } = await mlflow.post<{ model_version: Version }>('model-versions/create', {
    ...{ name: model, source: `${run.artifactUri}/model`, run_id: run.id, description: result.verdict.sentence },
    tags: tagsOf({
      'assay.experiment': result.experiment,
      'assay.variant': variant,
      'assay.seed': String(seed),
      'assay.verdict': result.verdict.outcome,
      'assay.approved_by': result.approval?.by ?? null,
      'assay.model': digest,
      'assay.snapshot': result.snapshot.digest,
      [finishedTag]: result.finishedAt,
    }),
  });
  return made;
}

/** Why the version that has the alias keeps it, in words; null where ours is the newer one. */
async function finishedLater(mlflow: Mlflow, name: string, version: string, { finishedAt }: Result): Promise<string | null> {
  const { model_version: held } = await mlflow.get<{ model_version: Version }>('model-versions/get', { name, version });
  const finished = valueOf(held, finishedTag);
  const at = Date.parse(finished ?? '') || Number(held.creation_timestamp ?? 0);
  if (at <= Date.parse(finishedAt)) return null;
  const what = finished === undefined ? 'it was made' : `its experiment ${valueOf(held, 'assay.experiment') ?? ''} ended`;
  return `${what} later, at ${new Date(at).toISOString()}`;
}

const valueOf = ({ tags }: Version, key: string): string | undefined => tags?.find((tag) => tag.key === key)?.value;
