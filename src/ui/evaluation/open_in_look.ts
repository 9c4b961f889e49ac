// Puts a question of an evaluation on the Look page, with its picture, prompt, adapter and right answer, so that it can be
// asked and watched there.

import type { Look } from '../../state/look';
import type { EvaluationSide } from '../../worker/protocol/evaluation';

/** A question with its picture. */
export interface OpenedQuestion {
  readonly image: Blob;
  readonly imageName: string;
  readonly question: string;
  /** The right answer. */
  readonly expected: string;
}

/**
 * Fills the Look page and goes there; nothing is asked yet.
 * @param comparing whether base and adapter are to be asked side by side
 * @param sampling   how its answer was drawn; greedily by default
 */
export async function openInLook(
  look: Look,
  { image, imageName, question, expected }: OpenedQuestion,
  { adapter, mode }: EvaluationSide,
  comparing = false,
  sampling: { readonly temperature: number; readonly seed?: number } = { temperature: 0 },
): Promise<void> {
  look.chooseAdapter(adapter);
  if (adapter !== null) look.setStrength(adapter.strength);
  look.setComparing(comparing);
  look.setSettings({ mode, ...sampling });
  await look.choosePicture(image, imageName, {
    questions: [{ text: question, answer: expected }],
    facts: null,
  });
  look.setQuestion(question);
  location.hash = '#/look';
}
