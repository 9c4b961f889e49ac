// What the page sees of a step: groups and samples with their answers and forms read out of the text.
// Not scoring: rewards and advantages are the trainer's. Invariant: everything here survives structured clone.

import { gradeAnswer } from '../../answer/answer_grading';
import { reflect } from '../../answer/reflection';
import type { EvaluationSample, ScoredGroup } from '../../train/trainer';
import type { CompletionFact, GroupFact, SampleFact } from '../../worker/protocol/training';

/** The picture of an example by its key; null where there is none to show. */
export type PictureOf = (key: number) => Promise<Blob | null>;

/** Groups as the inspector shows them. A picture that cannot be read is left out; the group stays. */
export function groupFacts(groups: readonly ScoredGroup[], pictureOf: PictureOf): Promise<GroupFact[]> {
  return Promise.all(
    groups.map(async ({ key, question, expected, dropped, completions }): Promise<GroupFact> => {
      const image = await pictureOf(key).catch(() => null);
      return { question, expected, dropped, image, completions: completions.map(completionFact) };
    }),
  );
}

function completionFact(completion: ScoredGroup['completions'][number]): CompletionFact {
  const { answer, format } = reflect(completion.text);
  const { text, tokens, truncated, correct, rewards, reward, advantage } = completion;
  return { text, answer, correct, format, tokens, truncated, rewards, reward, advantage };
}

/** Answers of an evaluation with their form, graded as the evaluation does. */
export function sampleFacts(samples: readonly EvaluationSample[]): SampleFact[] {
  return samples.map(({ question, expected, text }) => {
    const { answer, format } = reflect(text);
    return { question, expected, text, answer, correct: gradeAnswer(answer, expected), format };
  });
}
