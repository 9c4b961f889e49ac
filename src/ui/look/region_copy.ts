// The words of choosing a region of the picture.

/** Everything that the region says. */
export const REGION_COPY = {
  choose: (at: number, of: number) =>
    `Cells${of > 1 ? ` of image ${at + 1}` : ''}: arrow keys choose the one whose tokens are marked, Shift extends, Escape clears`,
  title: 'Tokens that attended there most',
  number: 'The numbers are the part of each token’s attention that falls on the chosen cells.',
  pin: (text: string, step: number) => `Select “${text}”, step ${step + 1}`,
  clear: 'Clear the region',
} as const;
