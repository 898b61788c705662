import type { NotifyEvent } from '../../contract';

/** Slack refuses longer texts of a block. */
const longestText = 2900;

const heads: Record<NotifyEvent['type'], string> = {
  'experiment.done': ':checkered_flag: Verdict',
  'experiment.failed': ':x: Failed',
  'experiment.cancelled': ':no_entry_sign: Cancelled',
  'approval.waiting': ':raised_hand: Waits for approval',
  'series.alert': ':bell: Series',
};

/** The message of an incoming webhook of Slack: blocks, and `text` where blocks are not shown (notifications, screen readers). */
export function slackMessage(event: NotifyEvent): object {
  const { type, experiment, name, owner, series, sentence, outcome, harm, effect, links } = event;
  const title = `${heads[type]}${outcome === null ? '' : `: ${outcome}`}${harm ? ', harm shown' : ''}`;
  const facts = [
    ...(effect === null ? [] : [`*Effect* ${effect > 0 ? '+' : ''}${Number(effect.toPrecision(3))}`]),
    ...(owner === null ? [] : [`*Owner* ${escape(owner)}`]),
    ...(series === null ? [] : [`*Series* ${escape(series)}`]),
  ];
  const ways = [
    ...(links.report === null ? [] : [`<${links.report}|Report>`]),
    ...(links.workflow === null ? [] : [`<${links.workflow}|Workflow>`]),
  ];
  return {
    text: cut(`${title} (${escape(name)}): ${escape(sentence)}`),
    blocks: [
      { type: 'section', text: { type: 'mrkdwn', text: cut(`*${title}* · ${escape(name)}\n${escape(sentence)}`) } },
      ...(facts.length === 0 ? [] : [{ type: 'section', fields: facts.map((text) => ({ type: 'mrkdwn', text: cut(text) })) }]),
      { type: 'context', elements: [{ type: 'mrkdwn', text: [...ways, escape(experiment)].join(' · ') }] },
    ],
  };
}

/** The three characters that Slack takes for markup of links, mentions and entities. */
const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Never through an entity. */
const cut = (text: string): string => (text.length <= longestText ? text : `${text.slice(0, longestText).replace(/&[a-z]*$/, '')}…`);
