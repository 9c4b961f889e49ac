// The rewards of Look-Back by name: accuracy, the two format rewards, and the length penalty.
// Not the grammar (reflection.ts) nor the grading of answers; no reward here sees a model, a picture or a group.
// Invariant: each costs time linear in the text, whatever the text: completions are written by what is being trained.

import { gradeAnswer } from '../answer/answer_grading';
import { parseReasoning, type ReasoningBlock, reflect } from '../answer/reflection';
import { ArgumentError } from '../lib/errors';
import type { RewardName } from '../settings/train_settings';
import type { RewardFunction, RewardSample, WeightedReward } from '../train/rewards';

/** Reward of a plain chain of thought: two of three parts present. Look-Back, arXiv 2507.03019, eq. 4. */
const COT_TIER = 0.667;
/** Fewer tokens than these cannot check anything: `ok` and the like earned the whole reward before. */
const MIN_BACK_TOKENS = 8;
/** More looks than these are padding, not reflection. */
const MAX_BACKS = 4;
/** Share of the longest completion from which length costs. */
const FREE_LENGTH = 0.8;

function accuracy({ text, expected }: RewardSample): number {
  return gradeAnswer(reflect(text).answer, expected) ? 1 : 0;
}

/**
 * White space around `<`, `>` and `/` removed: what `\s*(<|>|/)\s*` → `\1` gives, without its quadratic cost.
 * @source EasyR1 examples/reward_function/math.py
 */
function tightenTags(text: string): string {
  const parts = text.split(/([<>/])/);
  return parts
    .map((part, i) => {
      if (i === 0) return parts.length === 1 ? part : part.trimEnd();
      return i === parts.length - 1 ? part.trimStart() : part.trim();
    })
    .join('');
}

/** True when `text` starts with the first literal and holds the others after it, in order, without overlap. */
function holdsInOrder(text: string, literals: readonly string[]): boolean {
  let at = 0;
  for (const [i, literal] of literals.entries()) {
    const found = text.indexOf(literal, at);
    if (found < 0 || (i === 0 && found > 0)) return false;
    at = found + literal.length;
  }
  return true;
}

const PAPER_BACK = ['<think>', '</think><back>', '</back><think>', '</think>', '\\boxed{', '}'];
const PAPER_COT = ['<think>', '</think>', '\\boxed{', '}'];

/**
 * The paper's three tiers as permissive as its account of reward hacking implies, in the trainer's style of pattern:
 * `<think>.*</think>\s*<back>.*</back>\s*<think>.*</think>.*\\boxed\{.*\}.*` is 1, the same without the middle 0.667.
 * Every gap is `.*`, so finding the literals in order, each as early as can be, decides the match.
 * An empty `<back>` earns 1 here: this reward exists to show what that leads to.
 * @source Look-Back, arXiv 2507.03019, eq. 3-4 (expressions unpublished); EasyR1 examples/reward_function/math.py
 */
function formatPaper({ text }: RewardSample): number {
  const tight = tightenTags(text);
  if (holdsInOrder(tight, PAPER_BACK)) return 1;
  return holdsInOrder(tight, PAPER_COT) ? COT_TIER : 0;
}

/** Letters and digits in lower case, everything between them one space. */
function bareWords(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

/**
 * True when `whole` holds `part`. In linear time even for the repeats that String.includes is slow on.
 * @source Knuth, Morris and Pratt 1977, SIAM Journal on Computing 6
 */
function contains(whole: string, part: string): boolean {
  if (part.length > whole.length) return false;
  if (part === '') return true;
  const border = new Int32Array(part.length);
  for (let i = 1, k = 0; i < part.length; i++) {
    while (k > 0 && part[i] !== part[k]) k = border[k - 1] ?? 0;
    if (part[i] === part[k]) k++;
    border[i] = k;
  }
  for (let i = 0, k = 0; i < whole.length; i++) {
    while (k > 0 && whole[i] !== part[k]) k = border[k - 1] ?? 0;
    if (whole[i] === part[k]) k++;
    if (k === part.length) return true;
  }
  return false;
}

/** True when no `<back>` is too short, holds nothing but punctuation, or copies a run of a thought before it. */
function looksBack(sample: RewardSample, blocks: readonly ReasoningBlock[]): boolean {
  const thoughts: string[] = [];
  for (const { name, start, end } of blocks) {
    const content = sample.text.slice(start, end);
    const words = bareWords(content);
    if (name === 'think') {
      thoughts.push(words);
      continue;
    }
    const from = start + content.length - content.trimStart().length;
    const to = start + content.trimEnd().length;
    if (sample.countTokens(from, to) < MIN_BACK_TOKENS) return false;
    if (thoughts.some((thought) => contains(thought, words))) return false;
  }
  return true;
}

/** True when a text holds a back tag in any spelling: spaced, in capitals, or cut short. */
function hasBackTrace(text: string): boolean {
  const tight = tightenTags(text).toLowerCase();
  return tight.includes('<back') || tight.includes('</back');
}

/**
 * The strict three tiers. 1: the whole Look-Back form, ended by the model, one to four backs, each of at least eight
 * tokens that no earlier thought already says. 0.667: plain chain of thought without a trace of a back tag. 0: else.
 */
function format(sample: RewardSample): number {
  if (!sample.finished) return 0;
  const reasoning = parseReasoning(sample.text);
  if (reasoning.format === 'cot') return hasBackTrace(sample.text) ? 0 : COT_TIER;
  if (reasoning.format === 'none') return 0;
  const backs = reasoning.blocks.filter(({ name }) => name === 'back').length;
  return backs <= MAX_BACKS && looksBack(sample, reasoning.blocks) ? 1 : 0;
}

/**
 * 0 up to 80 % of the longest completion, then falling linearly to −1 at its end.
 * @source DAPO, arXiv 2503.14476, eq. 13; TRL `get_soft_overlong_punishment`
 */
function length({ length: tokens, maxLength }: RewardSample): number {
  const free = FREE_LENGTH * maxLength;
  if (tokens <= free) return 0;
  return tokens >= maxLength ? -1 : (free - tokens) / (maxLength - free);
}

/** Every reward by the name that configurations and logs use. */
export const REWARDS: Readonly<Record<RewardName, RewardFunction>> = {
  accuracy,
  format,
  format_paper: formatPaper,
  length,
};

function isRewardName(name: string): name is RewardName {
  return Object.hasOwn(REWARDS, name);
}

/**
 * The rewards of a configuration, those of weight 0 left out.
 * @throws ArgumentError for a name that is not in {@link REWARDS}
 */
export function rewardsOf(weights: Readonly<Record<string, number>>): WeightedReward[] {
  return Object.entries(weights).flatMap(([name, weight]) => {
    if (!isRewardName(name)) {
      const known = Object.keys(REWARDS).join(', ');
      throw new ArgumentError(`There is no reward "${name}"; known are ${known}.`, { name });
    }
    return weight === 0 ? [] : [{ name, weight, of: REWARDS[name] }];
  });
}
