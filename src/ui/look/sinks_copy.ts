// The words of dimming attention sinks.

/** Everything that the control and its badge say. */
export const SINKS_COPY = {
  dim: 'Dim cells hot on every step',
  why: 'Some cells draw attention whatever the token is (attention sinks). Those that are hot on at least eight of ten recorded steps, with twice the even share, are drawn faintly; every number stays as it was recorded.',
  dimmed: (count: number) =>
    count === 0
      ? 'no cell is hot on every step'
      : `${count === 1 ? 'one cell is' : `${count} cells are`} dimmed: hot on every step`,
} as const;
