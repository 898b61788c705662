import type { Breakdown, Result } from '../../src/contract';
import { renderMarkdown, renderReport } from '../../src/report';
import { intervalAxis, intervalMark, intervalScale } from '../../src/report/charts/interval';
import { breakdownSection } from '../../src/report/sections/breakdown';
import { makeResult } from './fixture';

const first = (result: Result): Breakdown => result.breakdowns[0]!;
const whereSection = (page: string): string => page.split('<section id="where"')[1]?.split('</section>')[0] ?? '';
const rendered = async (change: (result: Result) => void): Promise<string> => {
  const result = makeResult();
  change(result);
  return (await breakdownSection(result))?.text ?? '';
};
/** The texts of one row of a table, cell by cell; a drawing gives its description. */
const cellsOf = (section: string, caption: string, row: string): string[] =>
  section
    .split(`<caption id="${caption}">`)[1]
    ?.split('<tr>')
    .find((candidate) => candidate.includes(row))
    ?.split(/<\/t[hd]>/)
    .map((cell) =>
      cell
        .replace(/.*aria-label="([^"]*)".*/s, '$1')
        .replace(/<[^>]*>/g, ' ')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .filter((text) => text !== '') ?? [];

test('a result without breakdowns has neither the section nor a way to it, on the page and in Markdown', async () => {
  const result = makeResult();
  result.breakdowns = [];
  const page = await renderReport(result);
  expect(page).not.toContain('id="where"');
  expect(page).not.toContain('href="#where"');
  expect(renderMarkdown(result)).not.toContain('Where it differs');
  const { breakdowns, ...old } = makeResult();
  expect(breakdowns.length).toBeGreaterThan(0);
  expect(await renderReport(old as Result)).toBe(page);
  expect(renderMarkdown(old as Result)).toBe(renderMarkdown(result));
});

test('a slice has its condition, its difference as number and drawing, its reading, its adjusted p and its rows', async () => {
  const section = await rendered(() => undefined);
  expect(cellsOf(section, 'where-1-slices', 'bold strokes')).toEqual([
    'bold strokes ink &#62;= 12',
    '−3.40 pp',
    '−3.40 pp, interval [−6.10, −0.70] pp, worse',
    '[−6.10, −0.70] pp',
    '▼ worse',
    '0.018',
    '141',
    '97.1 %',
    '93.7 %',
  ]);
  expect(cellsOf(section, 'where-1-slices', 'left-handed').slice(4, 6)).toEqual(['○ too few rows', '–']);
  expect(section).toContain('Exploratory');
  expect(section).toContain('Benjamini-Hochberg');
});

test('units have their own column only where the plan has a unit', async () => {
  expect(await rendered(() => undefined)).not.toContain('Units</th>');
  const section = await rendered((result) => {
    result.plan.unit = 'writer';
    first(result).slices[0]!.units = 17;
  });
  expect(cellsOf(section, 'where-1-slices', 'thin strokes')).toContain('17');
  expect(section).toContain('Does the difference hang on few values of writer?');
});

test('what the search found is told with how it was searched, and what did not hold is kept apart', async () => {
  const section = await rendered(() => undefined);
  expect(cellsOf(section, 'where-1-found', '13.5')).toContain('▼ worse');
  expect(section).toContain('searched for on 180 rows: 46 tried, the 3 most telling tested on the other 179 rows');
  expect(cellsOf(section, 'where-1-tested', 'right')).toContain('◇ not settled');
});

test('of many parts in which the variant is worse four are told and the rest counted', async () => {
  const section = await rendered((result) => {
    const search = first(result).weakSlices!;
    search.found = Array.from({ length: 7 }, (_, i) => ({ ...search.found[0]!, name: `ink > ${i}`, where: `ink > ${i}` }));
  });
  expect(section).toContain('mlp is worse where ink &#62; 3:');
  expect(section).not.toContain('mlp is worse where ink &#62; 4:');
  expect(section).toContain('And 3 more of this kind.');
});

test('a search that found nothing says so, and one that could not be made says why', async () => {
  const nothing = await rendered((result) => {
    first(result).weakSlices!.found = [];
  });
  expect(nothing).toContain('None of 46 conditions tried held on the other half.');
  const blind = await rendered((result) => {
    first(result).weakSlices = null;
  });
  expect(blind).toContain('Not searched: no columns of the test rows are known.');
});

test('whether the difference hangs on few rows is one sentence, two intervals and the rows that count most', async () => {
  const section = await rendered(() => undefined);
  expect(section).toContain(
    'The difference hangs on few rows: without the 4 of 359 rows that speak most for it, it goes from +2.14 pp to +1.01 pp, and its interval lies otherwise to 0.',
  );
  expect(cellsOf(section, 'where-1-dependence', 'Without 4 of 359')).toContain('◇ not settled');
  expect(cellsOf(section, 'where-1-units', 'd0100')).toEqual(['d0100', '1', '+0.28 pp']);
  const steady = await rendered((result) => {
    first(result).dependence!.changes = false;
  });
  expect(steady).toContain('The difference does not hang on few rows: ');
  expect(steady).not.toContain('<strong>The difference');
  const open = await rendered((result) => {
    Object.assign(first(result).dependence!, { changes: false });
    first(result).dependence!.all.low = -0.01;
  });
  expect(open).toContain('its interval holds 0 either way');
});

test('reversals are sentences with their parts, and none found is a line', async () => {
  const section = await rendered(() => undefined);
  expect(section).toContain('all parts reversed');
  expect(section).toContain('not better in any part by pen');
  expect(cellsOf(section, 'where-1-reversal-1', 'nib')).toEqual([
    'nib',
    '−1.10 pp',
    '−1.10 pp, interval [−3.10, +0.90] pp, not settled',
    '[−3.10, +0.90] pp',
    '◇ not settled',
    '190',
  ]);
  const none = await rendered((result) => {
    first(result).reversals = [];
  });
  expect(none).toContain('no part of 100 rows or more is shown to go another way than the whole');
});

test('calibration has every bin in its description, its drawing and its table', async () => {
  const section = await rendered(() => undefined);
  const bins = first(makeResult()).calibration;
  const said = (of: string): string[] | null => of.match(/at a score of [\d.]+ %, [\d.]+ % right of [\d.]+ rows/g);
  const [described = ''] = /<desc[^>]*>[^<]*at a score[^<]*/.exec(section) ?? [];
  expect(said(described)).toHaveLength(bins.control.length + bins.variant.length);
  expect(new Set(said(section)).size).toBe(new Set(said(described)).size);
  expect(section.split('<caption id="where-1-calibration-data">')[1]?.split('</table>')[0]?.match(/<tr>/g)).toHaveLength(
    bins.control.length + bins.variant.length + 1,
  );
  const heights = [
    ...(/<svg[^>]*where-1-calibration-title.*?<\/svg>/s.exec(section)?.[0] ?? '').matchAll(/d="M[\d.]+,[\d.]+h[\d.]+v([\d.]+)h/g),
  ];
  expect(new Set(heights.map((match) => match[1])).size).toBeGreaterThan(5);
});

test('ten classes give a map of signed numbers, a hundred the largest changes in words', async () => {
  const map = await rendered(() => undefined);
  expect(map).toMatch(/>\+3\.8<\/text>/);
  expect(map).toContain('8 predicted as 1: 4.2 rows by logistic, 1 by mlp');
  const many = await rendered((result) => {
    const classes = Array.from({ length: 100 }, (_, i) => `class ${i}`);
    result.snapshot.classes = classes;
    first(result).confusion = {
      cells: classes.map((label, i) => ({ label, prediction: classes[(i * 7) % 100] ?? label, control: 10, variant: 12 - (i % 3) * 1.5 })),
      differing: 431,
    };
  });
  expect(many).not.toContain('id="where-1-confusion-title"');
  expect(cellsOf(many, 'where-1-confusion-largest', 'class 0')).toEqual(['class 0', 'class 0', '10', '12', '+2', '▲ more right']);
  expect(cellsOf(many, 'where-1-confusion-largest', '>class 1<')).toEqual(['class 1', 'class 7', '10', '10.5', '+0.5', '▼ more errors']);
  expect(many).toContain('431 cells differ, of which the 100 largest are listed.');
});

test('of a hundred classes the 25 with the smallest p are drawn, and all stand in a table', async () => {
  const section = await rendered((result) => {
    const breakdown = first(result);
    breakdown.classes = Array.from({ length: 100 }, (_, i) => ({
      ...breakdown.classes[0]!,
      class: `class ${i}`,
      pValue: 1 - i / 100,
      adjustedPValue: i < 3 ? null : 1 - i / 200,
    }));
  });
  const drawn = section.split('<caption id="where-1-classes">')[1]?.split('</table>')[0] ?? '';
  expect(drawn.match(/<th scope="row"/g)).toHaveLength(25);
  expect(drawn).toContain('class 99<');
  expect(drawn).not.toContain('class 50<');
  expect(
    section
      .split('<caption id="where-1-all-classes">')[1]
      ?.split('</table>')[0]
      ?.match(/<th scope="row"/g),
  ).toHaveLength(100);
});

test('of several candidates the one of the verdict stands open and the others can be opened', async () => {
  const section = await rendered((result) => {
    result.verdict.variant = 'boosting';
  });
  expect(section.indexOf('boosting</bdi> against')).toBeLessThan(section.indexOf('<details>'));
  expect(section).toContain('<summary><bdi>mlp</bdi> against <bdi>logistic</bdi></summary>');
});

test('hostile, long and right-to-left names stay text, inside and outside of drawings', async () => {
  const evil = '</title></style></script><script>alert(1)</script><img src=x>';
  const result = JSON.parse(
    JSON.stringify(makeResult())
      .replaceAll('"8"', JSON.stringify(evil))
      .replaceAll('"mlp"', JSON.stringify(`\u202e${evil}`)),
  ) as Result;
  const breakdown = first(result);
  for (const slice of [...breakdown.slices, ...breakdown.weakSlices!.found]) Object.assign(slice, { name: evil, where: evil });
  breakdown.weakSlices!.columns = [evil];
  for (const unit of breakdown.dependence!.units) unit.id = evil;
  for (const reversal of breakdown.reversals) {
    Object.assign(reversal, { by: evil, sentence: evil });
    for (const part of reversal.parts) part.name = evil;
  }
  result.plan.slices = breakdown.slices.map(({ name, where }) => ({ name, where }));
  result.plan.unit = evil;
  const page = await renderReport(result);
  expect(page.replace(/<img [^>]*src="data:image\/png;base64,[^"]*"[^>]*>/g, '')).not.toMatch(/<img|\sstyle=/i);
  expect(page.match(/<script/gi)).toHaveLength(1);
  expect(page.match(/<\/title>/g)?.length).toBe(page.match(/<title/g)?.length);
  for (const sentence of whereSection(page).match(/<li>.*?<\/li>/g) ?? []) {
    expect(sentence.replace(/\u2068[^\u2069]*\u2069/g, '').replace(/<bdi>[^<]*<\/bdi>/g, '')).not.toContain('\u202e');
  }
  const markdown = renderMarkdown(result);
  expect(markdown).not.toMatch(/<script|<img/);
});

test('undefined numbers of a breakdown are named and never NaN', async () => {
  const section = await rendered((result) => {
    const breakdown = first(result);
    const nothing = { control: null, variant: null, difference: null, low: null, high: null, pValue: null, adjustedPValue: null };
    for (const slice of [...breakdown.slices, ...breakdown.weakSlices!.found]) Object.assign(slice, nothing);
    for (const row of breakdown.classes)
      Object.assign(row, { precision: nothing, recall: nothing, f1: nothing, pValue: null, adjustedPValue: null });
    Object.assign(breakdown.dependence!, { all: nothing, without: nothing });
    for (const part of breakdown.reversals[0]!.parts) Object.assign(part, nothing);
  });
  expect(section).toContain('not defined');
  expect(section).not.toMatch(/NaN|undefined|Infinity/);
});

test('the drawing of a metric of which less is better is turned over', () => {
  const row = { difference: -0.02, low: -0.03, high: -0.01, reading: 'better' } as const;
  const scale = intervalScale('log_loss', [row]);
  const zero = (text: string): number => Number(/<line x1="([\d.]+)"/.exec(text)?.[1]);
  const bar = (text: string): number => Number([...text.matchAll(/<line x1="([\d.]+)"/g)][1]?.[1]);
  const turned = intervalMark(scale, row).text;
  expect(bar(turned)).toBeGreaterThan(zero(turned));
  const straight = intervalMark(intervalScale('accuracy', [row]), { ...row, reading: 'worse' }).text;
  expect(bar(straight)).toBeLessThan(zero(straight));
});

test('a part that is too small does not stretch the scale of the others, and its bar is cut', () => {
  const firm = { difference: 0.01, low: 0, high: 0.02, reading: 'open' } as const;
  const loose = { difference: 0.015, low: -0.5, high: 0.7, reading: 'too-small' } as const;
  const scale = intervalScale('accuracy', [firm, loose]);
  expect(scale.to).toBeLessThan(0.03);
  expect(intervalMark(scale, loose).text.match(/fill="none"/g)).toHaveLength(2);
  const beyond = intervalMark(scale, { ...loose, difference: 0.1 }).text;
  expect(beyond).not.toContain('<circle');
  expect(beyond.match(/fill="none"/g)).toHaveLength(3);
  expect(intervalMark(scale, firm).text).not.toContain('fill="none"');
});

test.each([
  ['accuracy', 0.034, -0.12],
  ['log_loss', 0.00031, 0.00002],
  ['accuracy', 1e-7, -1e-7],
  ['accuracy', 0, 0],
])('the ticks of %s between %f and %f are round, few and have zero among them', (metric, high, low) => {
  const words = intervalAxis(intervalScale(metric, [{ difference: low, low, high, reading: 'open' }])).text;
  const ticks = [...words.matchAll(/>([^<>]*)<\/text>/g)].map((match) => match[1]);
  expect(ticks).toContain('0');
  expect(ticks.length).toBeLessThanOrEqual(8);
  expect(new Set(ticks).size).toBe(ticks.length);
});

test('Markdown tells the slices that differ, few units and reversals, and is silent where nothing does', () => {
  const result = makeResult();
  const text = renderMarkdown(result);
  expect(text).toContain('### Where it differs (exploratory)');
  expect(text).toContain(
    '- mlp is worse where ink &gt;= 13.5: −4.90 pp, interval \\[−8.90, −0.90\\] pp, adjusted p = 0.024, 101 rows, found on one half of the rows and held on the other.',
  );
  expect(text).toContain('- The difference hangs on few rows:');
  expect(text).toContain('not better in any part by pen');
  result.breakdowns = result.breakdowns.slice(1);
  expect(renderMarkdown(result)).not.toContain('Where it differs');
});

test('the plan names its slices with their conditions', async () => {
  const page = await renderReport(makeResult());
  expect(page.split('<section id="plan"')[1]).toContain('<bdi>thin strokes</bdi> <code>ink &#60; 4</code>');
});
