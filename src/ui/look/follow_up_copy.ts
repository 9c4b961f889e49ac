// Holds the sentences of the choice to follow up, which are fetched with it.

const turnCount = (turns: number): string => (turns === 1 ? 'one turn' : `${turns} turns`);

/** Sentences of the choice to follow up. */
export const FOLLOW_UP = {
  label: 'Follow up on this answer',
  on: (turns: number) => `The next question goes on from ${turnCount(turns)} about this picture.`,
  off: 'The next question stands by itself.',
  turns: (turns: number) => `The conversation so far (${turnCount(turns)})`,
};
