// Scores one finished completion by Look-Back's rewards: accuracy, the two format rewards, the length penalty,
// and two of a look back: its attention on the image, and how much its words depend on it.
// Each says in words which rule gave its score and shows the stretch of the answer; the rules are in src/answer. Each
// costs time linear in the text, whatever it holds: completions are written by what is being trained.

import { MIN_BACK_TOKENS, paperFormat, strictFormat } from '../answer/answer_format';
import { gradeAnswer } from '../answer/answer_grading';
import { readAnswer } from '../answer/answer_reading';
import { expectedWords } from '../answer/expected_answers';
import { BACK_TAGS, type LookTags } from '../answer/look_tags';
import { ArgumentError } from '../lib/errors';
import type { RewardName } from '../settings/train_settings';
import type { RewardFunction, RewardOutcome, RewardSample, WeightedReward } from '../train/rewards';

/** Share of the longest completion from which length costs. */
const FREE_LENGTH = 0.8;

/** Longest piece of an answer that a reason quotes. */
const QUOTED = 60;

function quote(text: string): string {
  return `“${text.length > QUOTED ? `${text.slice(0, QUOTED)}…` : text}”`;
}

function accuracy({ text, expected }: RewardSample): RewardOutcome {
  const { answer, box } = readAnswer(text);
  const span = box === null ? null : { start: box.outerStart, end: box.outerEnd };
  if (answer === null) {
    const why =
      box === null ? 'There is no whole \\boxed{…} to read an answer from.' : 'The last box is empty.';
    return { score: 0, why, span };
  }
  const { equal, rule } = gradeAnswer(answer, expected);
  const why = `The box says ${quote(answer)}, ${quote(expectedWords(expected))} is expected: ${rule}.`;
  return { score: equal ? 1 : 0, why, span };
}

/**
 * 0 up to 80 % of the longest completion, then falling linearly to −1 at its end.
 * @source DAPO, arXiv 2503.14476, eq. 13; TRL `get_soft_overlong_punishment`
 */
function length({ length: tokens, maxLength }: RewardSample): RewardOutcome {
  const free = FREE_LENGTH * maxLength;
  const of = `${tokens} of at most ${maxLength} tokens`;
  if (tokens <= free) {
    return { score: 0, why: `${of}: up to ${Math.floor(free)} cost nothing.`, span: null };
  }
  const score = tokens >= maxLength ? -1 : (free - tokens) / (maxLength - free);
  return { score, why: `${of}: those beyond ${Math.floor(free)} cost.`, span: null };
}

/**
 * How much more a look back attends to the image than the thought before it ended with: the contrast
 * (inside − late) / (inside + late), from 0 for no more, over ⅓ for twice as much, towards 1. Nothing without a right
 * answer, so that attention by itself never pays: heads can be turned to the image without anything being read there.
 * @source ours; that visual rewards are gated by the answer is VAPO's, arXiv 2509.25848
 */
function visualAnchor(sample: RewardSample): RewardOutcome {
  const { late, inBack } = sample.attention;
  const look = readAnswer(sample.text).firstBack;
  const span = look === null ? null : { start: look.outerStart, end: look.outerEnd };
  if (late === null || inBack === null) {
    return { score: 0, why: 'There is no look back behind a thought whose attention was recorded.', span };
  }
  const found = `${percent(inBack)} of the attention inside the look back is on the image, ${percent(late)} late in the thought`;
  if (accuracy(sample).score !== 1) return { score: 0, why: `${found}; the answer is wrong.`, span };
  const sum = inBack + late;
  const score = sum > 0 ? Math.max(0, (inBack - late) / sum) : 0;
  return { score, why: `${found}.`, span };
}

/**
 * How much the look back depends on the picture: 1 − exp(−gain), gain being the mean over the look's tokens of what
 * their log-probability gains from the picture over a blank one, in nats, under the adapter as the run began: what is
 * being trained cannot raise it but by what it writes. Nothing without a right answer, and nothing for a look that the
 * strict format would call empty: one word that needs the picture would earn as much as a whole look.
 * @source after the implicit perception of PAPO, arXiv 2507.06448, which compares with a masked picture; bound and gates ours
 */
function visualDependence(sample: RewardSample): RewardOutcome {
  const look = readAnswer(sample.text).firstBack;
  const span = look === null ? null : { start: look.outerStart, end: look.outerEnd };
  const gain = sample.visualGain?.inBack ?? null;
  if (look === null || gain === null) {
    return { score: 0, why: 'There is no look back at a picture.', span };
  }
  const found = `The picture makes the look back ${gain.toFixed(2)} nats a token likelier than a blank one`;
  const tokens = sample.countTokens(look.start, look.end);
  if (tokens < MIN_BACK_TOKENS) {
    return { score: 0, why: `${found}; it has ${tokens} of at least ${MIN_BACK_TOKENS} tokens.`, span };
  }
  if (accuracy(sample).score !== 1) return { score: 0, why: `${found}; the answer is wrong.`, span };
  return { score: 1 - Math.exp(-Math.max(0, gain)), why: `${found}.`, span };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Every reward but a user's own, by the name that configurations and logs use. */
export const REWARDS: Readonly<Record<Exclude<RewardName, 'custom'>, RewardFunction>> = {
  accuracy,
  format: strictFormat,
  format_paper: ({ text }) => paperFormat(text),
  length,
  visual_anchor: visualAnchor,
  visual_dependence: visualDependence,
};

function isRewardName(name: string): name is keyof typeof REWARDS {
  return Object.hasOwn(REWARDS, name);
}

/** Rewards that read what the engine found of a look, which it finds by the method's own tags. */
const BACK_ALONE = ['visual_anchor', 'visual_dependence', 'custom'];

/** A reward as it reads answers in which a look back has these tags. */
function rewardIn(look: LookTags, name: keyof typeof REWARDS): RewardFunction {
  if (look === BACK_TAGS) return REWARDS[name];
  if (name === 'format_paper') return ({ text }) => paperFormat(text, look);
  if (name !== 'format') return REWARDS[name];
  return (sample) => {
    const countTokens = (start: number, end: number): number => sample.countTokens(start, end);
    return strictFormat({ text: sample.text, finished: sample.finished, countTokens, look });
  };
}

/**
 * The rewards of a configuration, those of weight 0 and a user's own left out.
 * @param look tags of a look back; by default the method's own
 * @throws ArgumentError for a name that is not in {@link REWARDS}, or that cannot read such tags
 */
export function rewardsOf(weights: Readonly<Record<string, number>>, look = BACK_TAGS): WeightedReward[] {
  return Object.entries(weights).flatMap(([name, weight]) => {
    if (weight !== 0 && look !== BACK_TAGS && BACK_ALONE.includes(name)) {
      throw new ArgumentError(
        `The reward "${name}" reads looks in ${BACK_TAGS.open} alone: set its weight to 0, or lookTag to back.`,
        { name },
      );
    }
    if (name === 'custom') return [];
    if (!isRewardName(name)) {
      const known = Object.keys(REWARDS).join(', ');
      throw new ArgumentError(`There is no reward "${name}"; known are ${known}.`, { name });
    }
    return weight === 0 ? [] : [{ name, weight, of: rewardIn(look, name) }];
  });
}
