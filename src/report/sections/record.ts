import type { Result } from '../../contract';
import { formatConfidence, formatCount, formatTime } from '../formatters';
import { type Html, html } from '../html';
import { metricInfo } from '../metricInfo';
import { limitText } from '../reading';
import { code, details, facts, link, name, plural, section, table } from './parts';

/** The rule as it was fixed before the first run. */
export function planSection(result: Result): Html {
  const { plan } = result;
  return section(
    'plan',
    'The plan, registered beforehand',
    facts([
      [
        'Question',
        plan.question === 'algorithm'
          ? 'algorithm: would training again favour the variant?'
          : 'artifact: are these trained models different?',
      ],
      ['Primary metric', `${metricInfo(plan.primary).label}, ${metricInfo(plan.primary).better} is better`],
      ['Test', `${plan.test}, margin ${limitText(plan.primary, plan.margin, plan.marginRelative)}`],
      ['Confidence', formatConfidence(plan.confidence)],
      [
        'Guardrails',
        plan.guardrails.length === 0
          ? 'none'
          : plan.guardrails
              .map((rail) => `${metricInfo(rail.metric).label} at most ${limitText(rail.metric, rail.limit, rail.relative)} worse`)
              .join('; '),
      ],
      ['Metrics', plan.metrics.map((metric) => metricInfo(metric).label).join(', ')],
      ['Correction', plan.correction === 'none' ? 'none' : 'for several candidates'],
      ['Resamples', formatCount(plan.resamples)],
      ['Seeds', plan.seeds.filter((seed) => !plan.addedSeeds?.includes(seed)).join(', ')],
      ...(plan.addedSeeds ? [['Seeds added while it ran', plan.addedSeeds.join(', ')] as const] : []),
      ...(plan.stopped ? [['Stopped while it ran', plan.stopped.join(', ')] as const] : []),
      ['Unit of analysis', plan.unit ?? 'the row'],
      [
        'Slices',
        plan.slices.length === 0
          ? 'none'
          : html`${plan.slices.map((slice) => html`<span class="line">${name(slice.name)} ${code(slice.where)}</span>`)}`,
      ],
    ]),
    details('Parameters of the variants', parameterTable(result)),
  );
}

function parameterTable(result: Result): Html {
  const names = [...new Set(result.variants.flatMap((variant) => Object.keys(variant.params)))].sort();
  return table(
    'parameter-table',
    'Parameters by variant',
    [{ head: 'Parameter' }, ...result.variants.map((variant) => ({ head: variant.name }))],
    names.map((name) => [
      name,
      ...result.variants.map((variant) => (Object.hasOwn(variant.params, name) ? JSON.stringify(variant.params[name]) : '–')),
    ]),
  );
}

/** Everything needed to run it again and to check the numbers. */
export function provenanceSection(result: Result): Html {
  const { provenance, snapshot } = result;
  const { git } = provenance;
  return section(
    'provenance',
    'Provenance',
    facts([
      ['Experiment', code(result.experiment)],
      ['Workflow', html`${code(result.workflow.id)} <span class="muted">run ${code(result.workflow.runId)}</span>`],
      ...(result.workflow.url === null ? [] : [['Temporal UI', link(result.workflow.url)] as const]),
      ['Started', formatTime(result.startedAt)],
      ['Finished', formatTime(result.finishedAt)],
      [
        'Data',
        html`${code(snapshot.source)}, ${formatCount(snapshot.rows)} rows: ${formatCount(snapshot.splits.train)} train, ${formatCount(snapshot.splits.validation)} validation, ${formatCount(snapshot.splits.test)} test; ${snapshot.classes.length} classes`,
      ],
      [
        'Snapshot digest',
        html`${code(snapshot.digest)} <span class="muted">the data; its record, with the splits, is</span> ${code(snapshot.record)}`,
      ],
      ['Spec digest', code(provenance.spec)],
      [
        'Git',
        git.commit === null
          ? 'no repository'
          : html`${code(git.commit)}${git.dirty ? ' with uncommitted changes' : null}${git.diff ? html`, as in ${code(git.diff.digest)}` : null}${git.remote === null ? null : html` of ${code(git.remote)}`}`,
      ],
      ...(provenance.dvc
        ? [
            [
              'DVC',
              html`${code(provenance.dvc.file)} md5 ${code(provenance.dvc.md5)}${provenance.dvc.rev === null ? null : html` at ${code(provenance.dvc.rev)}`}`,
            ] as const,
          ]
        : []),
      ...imageFacts(result),
      ['Devices', [...new Set(result.variants.flatMap(({ runs }) => runs.map(({ device }) => device.model)))].join(', ') || 'none'],
      ['assay', provenance.assay],
      ['Started on', `${provenance.host}${provenance.user === null ? '' : ` by ${provenance.user}`}`],
    ]),
    html`<h3>Run it again</h3><p>From the record alone: the spec, data, code, image, seeds and parameters above; it says whether it came out the same, and where it did not.</p><pre>${`assay replay ${quoted(result.experiment)}`}</pre>`,
    html`<p>The command that started it:</p><pre>${provenance.command.map(quoted).join(' ')}</pre>`,
    html`<h3>Verify the numbers</h3><p>The first command reads every object again that the result was made from; the others compare one seed’s stored predictions without a server.</p><pre>${verifyCommands(result).join('\n')}</pre>`,
    details(
      'Environment',
      table(
        'environment-table',
        'Versions and settings',
        [{ head: 'Name' }, { head: 'Value' }],
        Object.entries(provenance.environment).map(([name, value]) => [name, written(value)]),
      ),
    ),
    trainerEnvironment(result),
  );
}

/** What the trainers ran on: one value where all runs agree, else each with its runs. */
function trainerEnvironment({ variants }: Result): Html | null {
  const runs = variants.flatMap(({ name: variant, runs: own }) =>
    own.map((run) => ({ run: `${variant} seed ${run.seed}`, of: run.environment })),
  );
  const names = [...new Set(runs.flatMap(({ of }) => Object.keys(of)))].sort();
  if (names.length === 0) return null;
  return details(
    'Environment of the trainers',
    table(
      'trainer-environment-table',
      `Versions and settings of ${plural(runs.length, 'run')}`,
      [{ head: 'Name' }, { head: 'Value' }],
      names.map((each) => {
        const byValue = new Map<string, string[]>();
        for (const { run, of } of runs) {
          const value = Object.hasOwn(of, each) ? written(of[each]) : '–';
          byValue.set(value, [...(byValue.get(value) ?? []), run]);
        }
        if (byValue.size === 1) return [each, [...byValue.keys()][0]];
        return [
          each,
          html`${[...byValue].map(([value, where]) => html`<span class="line">${value} <span class="muted">(${where.join(', ')})</span></span>`)}`,
        ];
      }),
    ),
  );
}

const written = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** The digest is what a registry knows the image by, the id what the engine ran. */
function imageFacts(result: Result): [string, Html][] {
  const runs = result.variants.flatMap((variant) => variant.runs);
  const distinct = (values: (string | null)[]): Html[] =>
    [...new Set(values.filter((value) => value !== null))].map((value) => html`${code(value)} `);
  const images = distinct(runs.map(({ image }) => image));
  if (images.length === 0) return [['Image', html`none: trainers ran as processes of their host`]];
  return [
    ['Image', html`${images}`],
    ['Image id', html`${distinct(runs.map(({ imageId }) => imageId))}`],
  ];
}

/** Export the record, then compare one seed's stored predictions without a server. */
export function verifyCommands(result: Result): string[] {
  const id = quoted(result.experiment);
  const control = result.variants.find((variant) => variant.control);
  const candidate =
    result.variants.find((variant) => variant.name === result.verdict.variant) ?? result.variants.find((variant) => !variant.control);
  const seed = control?.runs.find(
    (run) => run.status === 'done' && candidate?.runs.some((other) => other.seed === run.seed && other.status === 'done'),
  )?.seed;
  const lines = [`assay verify ${id}`, `assay export ${id} -o evidence`];
  if (control !== undefined && candidate !== undefined && seed !== undefined) {
    const folder = (name: string): string => quoted(`evidence/runs/${name}/seed-${seed}/predictions`);
    lines.push(`assay compare ${folder(control.name)} ${folder(candidate.name)} --metric ${quoted(result.plan.primary)}`);
  }
  return lines;
}

/** As a POSIX shell takes it. */
const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** Four sentences for a reader who has not met these words. */
export function howToRead(result: Result): Html {
  const { plan } = result;
  return section(
    'how-to-read',
    'How to read this',
    html`<p>An <strong>interval</strong> is the range of differences that the data do not rule out: rules made this way cover the true difference in ${formatConfidence(plan.confidence)} of experiments. The <strong>claim</strong> says what was shown: <em>artifact</em> speaks of these trained models on this kind of data, <em>algorithm</em> of training again with other seeds. The <strong>margin</strong> is the difference that was called worthwhile, or tolerable, before the first run, and the verdict comes from where the interval lies against it. A small <strong>p</strong> says that a difference like this would be rare if there were none; it does not say how large or how useful the difference is.</p>`,
  );
}
