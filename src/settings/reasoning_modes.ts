// Lists the modes of reasoning: which words of the model's `lookback.json` are put beside a question.

/** Words of each mode, from the shortest prompt to the longest. */
export const MODE_WORDS = {
  plain: 'Plain answer',
  cot: 'Think step by step',
  semantic: 'Look back while thinking',
  solution: 'Look back at the solution',
} as const;

/** One of {@link REASONING_MODES}. */
export type ReasoningMode = keyof typeof MODE_WORDS;

/** Names of the modes, in the same order. */
export const REASONING_MODES = Object.keys(MODE_WORDS) as readonly ReasoningMode[];

/** The words of a mode. */
export function modeWords(mode: ReasoningMode): string {
  return MODE_WORDS[mode];
}
