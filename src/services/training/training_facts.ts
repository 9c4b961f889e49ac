// Reads out of a step what the page shows of it: groups and samples with their answers and forms. Rewards and
// advantages are the trainer's.

import { readForm } from '../../answer/answer_form';
import { gradeAnswer } from '../../answer/answer_grading';
import { readAnswer } from '../../answer/answer_reading';
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
  const { text, tokens, truncated, correct, rewards, reasons, reward, advantage } = completion;
  const { answer } = readAnswer(text);
  const format = readForm(text).form;
  return { text, answer, correct, format, tokens, truncated, rewards, reasons, reward, advantage };
}

/** Answers of an evaluation with their form, graded as the evaluation does. */
export function sampleFacts(samples: readonly EvaluationSample[]): SampleFact[] {
  return samples.map(({ question, expected, text }) => {
    const { answer } = readAnswer(text);
    const { equal: correct } = gradeAnswer(answer, expected);
    return { question, expected, text, answer, correct, format: readForm(text).form };
  });
}
