// Says what the base's own answers tell of a problem: which of them are whole chains of thought, which are right, and how
// hard the problem is for the base. The cold start is made of these chains, so that SFT teaches a form and no foreign
// reasoning.

import { readForm } from '../../answer/answer_form';
import { gradeAnswer } from '../../answer/answer_grading';
import { TAGS } from '../../answer/answer_grammar';
import { readAnswer } from '../../answer/answer_reading';

/** A question with its answer, as the builder takes it from the world or from a data set. */
export interface ColdStartProblem {
  readonly id: string;
  readonly question: string;
  readonly answer: string;
  /** What the system turn says before the question; null or absent where it says nothing. */
  readonly system?: string | null | undefined;
  /** Class for counts in the report; null where the source has none. */
  readonly kind: string | null;
  /** False for questions that the picture has nothing to do with: their examples never look back. */
  readonly visual: boolean;
}

/** One whole chain of thought of the base. */
export interface Chain {
  /** The completion without its end token, trimmed. */
  readonly text: string;
  /** `<think> … </think>` */
  readonly thought: string;
  readonly correct: boolean;
}

/** A problem with what the base answered. */
export interface SampledProblem {
  readonly problem: ColdStartProblem;
  /** Completions that were sampled. */
  readonly rollouts: number;
  readonly chains: readonly Chain[];
  /** Right completions by all, the mean of the outcomes; a completion of another form counts as wrong. */
  readonly accuracy: number;
  /** Of the outcomes: accuracy · (1 − accuracy), most at one half. */
  readonly variance: number;
}

/** A completion as a chain; null when it is no whole plain chain of thought. */
export function chainOf(text: string, expected: string): Chain | null {
  const { form, blocks } = readForm(text);
  const [first] = blocks;
  if (form !== 'cot' || first === undefined) return null;
  return {
    text: text.trim(),
    thought: text.slice(0, first.end + TAGS.think.close.length).trim(),
    correct: gradeAnswer(readAnswer(text).answer, expected).equal,
  };
}

/** Chains and difficulty of a problem. @param texts completions without end tokens; cut-off ones are left out of it */
export function sampledProblem(
  problem: ColdStartProblem,
  texts: readonly string[],
  rollouts: number,
): SampledProblem {
  const chains = texts.map((text) => chainOf(text, problem.answer)).filter((chain) => chain !== null);
  const accuracy = rollouts === 0 ? 0 : chains.filter(({ correct }) => correct).length / rollouts;
  return { problem, rollouts, chains, accuracy, variance: accuracy * (1 - accuracy) };
}
