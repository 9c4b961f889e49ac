// Lists the modes of reasoning: which words of the model's `lookback.json` are put beside a question.

/** Words of each mode, from the shortest prompt to the longest. */
export const MODE_WORDS = {
  plain: 'Plain answer',
  cot: 'Think step by step',
  semantic: 'Look back while thinking',
  solution: 'Look back at the solution',
} as const;

/** What each mode asks of the model. */
const MODE_HELP = {
  plain: 'Asks for the answer and nothing else: the model thinks and looks back as it was taught.',
  cot: 'Asks to think first, in steps, and then to answer.',
  semantic: 'Asks to look at the picture again in the middle of thinking, and to think on.',
  solution: 'Asks to think up to a whole answer, then to look at the picture again and think once more.',
} as const satisfies Record<keyof typeof MODE_WORDS, string>;

/** One of {@link REASONING_MODES}. */
export type ReasoningMode = keyof typeof MODE_WORDS;

/** Names of the modes, in the same order. */
export const REASONING_MODES = Object.keys(MODE_WORDS) as readonly ReasoningMode[];

/** What a mode asks of the model, in a sentence. */
export function modeHelp(mode: ReasoningMode): string {
  return MODE_HELP[mode];
}

/** The words of a mode. */
export function modeWords(mode: ReasoningMode): string {
  return MODE_WORDS[mode];
}
