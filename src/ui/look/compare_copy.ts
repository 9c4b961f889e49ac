// Holds every sentence of comparing base and adapter, and the text twin of its chart. A figure that an answer lacks
// is said to be lacking, not left out.

import { TAGS } from '../../answer/answer_grammar';
import { LATE_TOKENS } from '../../answer/attention_phases';
import { percent } from '../../state/attention_view';
import type { SideReading } from '../../state/compare';
import { pageName } from '../controls';

/** Fixed texts. */
export const COMPARE_COPY = {
  title: 'Base and adapter',
  base: 'Base model',
  empty: 'Ask, and the base model and then the adapter will answer the same question with the same seed.',
  waitsForBase: 'Answers after the base model.',
  notAsked: 'Not asked, as the answer of the base model did not end by itself.',
  showOn: 'Show on the picture',
  shownOn: 'Shown on the picture',
  text: (side: string) => `Text of the answer: ${side}`,
  chartTitle: 'Attention on the image',
  chartLabel: 'Chart of the share of attention on the image per generated token, of base and adapter',
  chartEmpty:
    'The share of attention on the image will be drawn here, one line for each answer, on one scale.',
  xAxis: 'generated token',
  yAxis: 'image share',
  baseShort: 'base',
  adapterShort: 'adapter',
  legendBase: (label: string) => `dashed: base (${label})`,
  legendAdapter: (label: string) => `solid: ${label}`,
  bands: 'Shaded: where an answer looks back; the adapter’s above, the base’s below.',
  columns: ['Answer of', 'Result', 'Image, in back', 'Image, late think', 'Ratio'],
  table: 'The figures of both answers',
  none: '–',
  right: 'right',
  wrong: 'wrong',
  about: 'What is compared',
  definition: `Both answers are about the same picture, question, prompt and seed. The share of attention on the image is the one of ${pageName('look')}: for each token the mean over heads, then over layers, of what falls on the image. “In back” is its mean from ${TAGS.back.open} to its closing tag, in the first look back after the first thought; “late think” is its mean over the last ${LATE_TOKENS} tokens inside the first thought; the ratio divides the two. Right means that the boxed answer equals the true one by the grader of the evaluation; the true one is known for the example questions only.`,
} as const;

function judged({ boxed, right, status }: SideReading): string {
  if (status === 'waiting' || status === 'running') return 'is still answering';
  if (status === 'failed' || status === 'interrupted') return 'did not finish';
  const answer = boxed === null ? 'gives no answer in a box' : `answers ${boxed}`;
  if (right === null) return answer;
  return `${answer}, which is ${right ? COMPARE_COPY.right : COMPARE_COPY.wrong}`;
}

/** `2.7`; null where either figure is missing or the divisor is zero. */
export function ratioText({ back, lateThink }: Pick<SideReading, 'back' | 'lateThink'>): string | null {
  return back === null || lateThink === null || lateThink <= 0 ? null : (back / lateThink).toFixed(1);
}

function attended(reading: SideReading): string {
  const { back, lateThink } = reading;
  if (back === null) {
    return lateThink === null
      ? 'it neither thinks nor looks back in tags'
      : `${percent(lateThink)} of its attention is on the image late in its thought, and it does not look back`;
  }
  const inside = `${percent(back)} of its attention is on the image inside back`;
  if (lateThink === null) return `${inside}; it has no closed thought`;
  const ratio = ratioText(reading);
  const late = `${percent(lateThink)} late in its thought`;
  return ratio === null ? `${inside} and ${late}` : `${inside}, ${ratio} times the ${late}`;
}

/** What both answers came to, in words: the text twin of the chart. Null sides were not asked yet. */
export function compareSentence(
  base: SideReading | null,
  adapter: { readonly label: string; readonly reading: SideReading | null },
): string {
  if (base === null) return '';
  const one = (label: string, reading: SideReading) => {
    const open = reading.status === 'waiting' || reading.status === 'running';
    return `${label} ${judged(reading)}${open ? '' : `: ${attended(reading)}`}.`;
  };
  const first = one(COMPARE_COPY.base, base);
  return adapter.reading === null ? first : `${first} ${one(adapter.label, adapter.reading)}`;
}
