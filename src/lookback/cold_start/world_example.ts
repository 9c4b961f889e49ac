// Makes examples of the cold start: the base model's own reasoning, with an oracle's look at the sheet put in behind
// it. The caller samples the rollouts. The first thought is the base's own, character for character; every example is
// right and well-formed. Source: Look-Back, arXiv 2507.03019, cold-start data; the oracle stands in for the paper's
// annotating model.

import { TAGS } from '../../answer/answer_grammar';
import { backText, boxed, type LookPosition, secondThought } from '../../data/world/oracle';
import type { WorldSample } from '../../data/world/world_sample';
import type { Prng } from '../../lib/prng';
import { chainOf } from './rollouts';

/** Shares of {@link coldStartText}, in [0, 1]. */
export interface ColdStartSettings {
  /** Where the look stands: after the base's whole thought, or after what it saw. */
  readonly position: LookPosition;
  /** Chance that the example of a visual question looks back. */
  readonly reflectionRate: number;
  /** Chance that an example which looks back starts from a wrong thought, where there is one; else from any. */
  readonly wrongFirstShare: number;
}

/** One example to imitate. */
export interface ColdStartExample {
  /** The whole completion, without an end token, spaced as pocket's tokenizers decode. */
  readonly text: string;
  readonly reflects: boolean;
  /** It looks back, and the thought before that led to a wrong answer. */
  readonly wrongFirst: boolean;
}

function pick<T>(items: readonly T[], prng: Prng): T | undefined {
  return items[prng.nextInt(items.length)];
}

/** The part of a thought before the look: for Semantic-back its first sentence, which says what was seen. */
export function worldOpening(thought: string, position: LookPosition): string {
  const end = thought.indexOf('.');
  if (position === 'solution' || end < 0) return thought;
  return `${thought.slice(0, end + 1)} ${TAGS.think.close}`;
}

/** The base's thought, the oracle's scan, the thought that follows from it, and the true answer. */
export function worldLook(
  position: LookPosition,
  thought: string,
  { facts, question, counts, answer }: WorldSample,
): string {
  const { think, back: look } = TAGS;
  const back = `${look.open} ${backText(facts, question)} ${look.close}`;
  const again = `${think.open} ${secondThought(question, counts)} ${think.close}`;
  return `${worldOpening(thought, position)} ${back} ${again} ${boxed(answer)}`;
}

/**
 * An example for one question, or null when no rollout serves: none well-formed to look back from, none right to keep
 * as it is. Questions without a picture never look back, so that looking back comes to depend on the question.
 * @param rollouts completions of the base to the chain-of-thought prompt at temperature 1, without end token
 * @param prng decides the form and the rollout; equal streams give equal examples
 */
export function coldStartText(
  sample: WorldSample,
  rollouts: readonly string[],
  prng: Prng,
  settings: ColdStartSettings,
): ColdStartExample | null {
  const formed = rollouts.map((text) => chainOf(text, sample.answer)).filter((chain) => chain !== null);
  const reflects = sample.kind !== 'text' && prng.nextFloat() < settings.reflectionRate;
  if (!reflects) {
    const kept = pick(
      formed.filter(({ correct }) => correct),
      prng,
    );
    return kept === undefined ? null : { text: kept.text, reflects, wrongFirst: false };
  }
  const wrong = formed.filter(({ correct }) => !correct);
  const fromWrong = prng.nextFloat() < settings.wrongFirstShare && wrong.length > 0;
  const first = pick(fromWrong ? wrong : formed, prng);
  if (first === undefined) return null;
  return {
    text: worldLook(settings.position, first.thought, sample),
    reflects,
    wrongFirst: !first.correct,
  };
}
