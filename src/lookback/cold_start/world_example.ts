// Makes examples of the cold start: the base model's own reasoning, with an oracle's look at the sheet put in behind
// it. The caller samples the rollouts. The first thought is the base's own, character for character, unless foreign
// words are wanted; every example is right and well-formed. Source: Look-Back, arXiv 2507.03019, cold-start data; the
// oracle stands in for the paper's annotating model, foreign words for its chains of another model.

import { TAGS } from '../../answer/answer_grammar';
import { BACK_TAGS, type LookTags } from '../../answer/look_tags';
import { type ChainWords, FOREIGN_WORDS, glancedCounts, OWN_WORDS } from '../../data/world/chain_words';
import { backText, boxed, type LookPosition } from '../../data/world/oracle';
import { answerOf } from '../../data/world/question';
import type { WorldSample } from '../../data/world/world_sample';
import type { Prng } from '../../lib/prng';
import type { WorldSettings } from '../../settings/train_settings';
import { type Chain, chainOf } from './rollouts';

/** Shares of {@link coldStartText}, in [0, 1], and how its examples are written. */
export interface ColdStartSettings extends LookForm {
  /** Chance that the example of a visual question looks back. */
  readonly reflectionRate: number;
  /** Chance that an example which looks back starts from a wrong thought, where there is one; else from any. */
  readonly wrongFirstShare: number;
  /** Whose the thoughts are; by default the base's own. */
  readonly chains?: WorldSettings['chains'] | undefined;
}

/** Where looks stand in an answer. */
export interface LookForm {
  /** After the base's whole thought, or after what it saw. */
  readonly position: LookPosition;
  /** One look for all counts of the question, the default, or one for each, right before it is used. */
  readonly looks?: WorldSettings['looks'] | undefined;
  /** Tags of a look; by default the method's own. */
  readonly tags?: LookTags | undefined;
}

/** One example to imitate. */
export interface ColdStartExample {
  /** The whole completion, without an end token, spaced as pocket's tokenizers decode. */
  readonly text: string;
  readonly reflects: boolean;
  /** It looks back, and the thought before that led to a wrong answer. */
  readonly wrongFirst: boolean;
}

const { think } = TAGS;

function pick<T>(items: readonly T[], prng: Prng): T | undefined {
  return items[prng.nextInt(items.length)];
}

function thoughtOf(words: string): string {
  return `${think.open} ${words} ${think.close}`;
}

/** The part of a thought before the look: for Semantic-back its first sentence, which says what was seen. */
export function worldOpening(thought: string, position: LookPosition): string {
  const end = thought.indexOf('.');
  if (position === 'solution' || end < 0) return thought;
  return `${thought.slice(0, end + 1)} ${think.close}`;
}

/**
 * A thought, the oracle's looks with the thoughts that follow from them, and the true answer.
 * @param thought the first, with its tags
 * @param words   of the thoughts after a look
 */
export function worldLook(
  { position, looks = 'one', tags = BACK_TAGS }: LookForm,
  thought: string,
  { facts, question, counts, answer }: WorldSample,
  words: ChainWords = OWN_WORDS,
): string {
  const last = thoughtOf(words.last(question, counts));
  const lines = looks === 'each' ? (question.lines ?? [undefined]) : [undefined];
  const episodes = lines.map((line, i) => {
    const again =
      line && i < lines.length - 1 ? thoughtOf(words.between(question, line, counts[i] ?? 0)) : last;
    return `${tags.open} ${backText(facts, question, line)} ${tags.close} ${again}`;
  });
  return `${worldOpening(thought, position)} ${episodes.join(' ')} ${boxed(answer)}`;
}

/** The words of an example's thoughts, the first thought, and whether it leads to the right answer. */
interface Thoughts {
  readonly words: ChainWords;
  readonly first: string;
  readonly correct: boolean;
}

/**
 * The thoughts that stand for a chain of the base. Where its counts cannot be said in other words, the true ones stand for
 * them: no example is lost.
 */
function thoughtsOf(chain: Chain, sample: WorldSample, chains: WorldSettings['chains']): Thoughts {
  if (chains === 'own') return { words: OWN_WORDS, first: chain.thought, correct: chain.correct };
  const { question, counts, answer } = sample;
  const own = chains === 'reworded' ? glancedCounts(question, chain.thought.slice(think.open.length)) : null;
  const leads = (seen: readonly number[]): boolean => answerOf(question, seen) === answer;
  // A right answer may have come from a wrong count and a slip that undid it; in other words there are no slips.
  const said = own !== null && (leads(own) || !chain.correct) ? own : counts;
  return {
    words: FOREIGN_WORDS,
    first: thoughtOf(FOREIGN_WORDS.first(question, said)),
    correct: leads(said),
  };
}

/**
 * An example for one question, or null when no rollout serves: none well-formed to look back from, none right to keep
 * as it is. Questions without a picture never look back, so that looking back comes to depend on the question. Which
 * questions get an example, and which of them look back, is the same whosever the thoughts are.
 * @param rollouts completions of the base to the chain-of-thought prompt at temperature 1, without end token
 * @param prng decides the form and the rollout; equal streams give equal examples
 */
export function coldStartText(
  sample: WorldSample,
  rollouts: readonly string[],
  prng: Prng,
  settings: ColdStartSettings,
): ColdStartExample | null {
  const { chains = 'own' } = settings;
  const formed = rollouts.map((text) => chainOf(text, sample.answer)).filter((chain) => chain !== null);
  const reflects = sample.kind !== 'text' && prng.nextFloat() < settings.reflectionRate;
  if (!reflects) {
    const kept = pick(
      formed.filter(({ correct }) => correct),
      prng,
    );
    if (kept === undefined) return null;
    const foreign = (): string => `${thoughtsOf(kept, sample, chains).first} ${boxed(sample.answer)}`;
    return { text: chains === 'own' ? kept.text : foreign(), reflects, wrongFirst: false };
  }
  const wrong = formed.filter(({ correct }) => !correct);
  const fromWrong = prng.nextFloat() < settings.wrongFirstShare && wrong.length > 0;
  const chain = pick(fromWrong ? wrong : formed, prng);
  if (chain === undefined) return null;
  const { words, first, correct } = thoughtsOf(chain, sample, chains);
  return { text: worldLook(settings, first, sample, words), reflects, wrongFirst: !correct };
}
