import type { VerifyReport } from '../../publish/contents';
import { formatters } from '../../report';
import { pc } from '../colours';

const { formatBytes, formatCount } = formatters;
/** Problems that are printed; `--json` has all. */
const shown = 50;

export function verifyText(report: VerifyReport): string {
  const { experiment, place, groups, problems, notes } = report;
  const width = Math.max(...groups.map(({ name }) => name.length), 0);
  const lines = [
    `${pc.bold(experiment)} in ${place}`,
    ...groups.map(({ name, objects, bytes, damaged, missing }) => {
      const bad = [...(damaged > 0 ? [`${damaged} damaged`] : []), ...(missing > 0 ? [`${missing} missing`] : [])].join(', ');
      const size = `${formatCount(objects)} ${objects === 1 ? 'object' : 'objects'}, ${formatBytes(bytes)}`;
      return `${bad === '' ? pc.green('ok ') : pc.red('bad')} ${name.padEnd(width)}  ${size}${bad === '' ? '' : `: ${bad}`}`;
    }),
    ...problems.slice(0, shown).map(problemLine),
    ...(problems.length > shown ? [`... and ${formatCount(problems.length - shown)} more; --json has all`] : []),
    ...notes.map((note) => `${pc.yellow('note')} ${note}`),
    ending(report),
  ];
  return `${lines.join('\n')}\n`;
}

function problemLine({ state, name, digest, detail, mended }: VerifyReport['problems'][number]): string {
  const paint = mended === true ? pc.yellow : pc.red;
  const after = mended === null ? '' : mended ? '; mended from another replica' : '; another replica has it whole';
  return `${paint(state)} ${name}${digest === null ? '' : ` ${digest}`}\n  ${detail}${after}`;
}

function ending({ ok, objects, bytes, problems, signature, listed, expected }: VerifyReport): string {
  const all = `${formatCount(objects)} objects, ${formatBytes(bytes)}`;
  if (!ok) return pc.red(`${all}: ${problems.filter(({ mended }) => mended !== true).length} found that are not as they were`);
  const mended = problems.length > 0 ? `, ${formatCount(problems.length)} copies mended` : '';
  const signs = signature === null ? '' : `\n${signature} signs ${listed ? 'all of it' : 'the result'}`;
  const kept = signature === null || expected !== null ? '' : '; kept elsewhere, `--expect` compares with it';
  return `${pc.green('sound')}: ${all}${mended}${signs}${expected === null ? kept : ', as expected'}`;
}
