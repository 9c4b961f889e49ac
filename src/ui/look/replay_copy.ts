// The words of replays.

/** Everything that a replay says. */
export const REPLAY_COPY = {
  aboutTitle: 'About this recording',
  about: (model: string, adapter: string | null) =>
    `A recorded answer of ${adapter ?? model}. Nothing runs now; every number in it was measured when it was given.`,
  play: 'Play',
  pause: 'Pause',
  back: 'One token back',
  forth: 'One token on',
  position: 'Tokens shown',
  shown: (shown: number, total: number) => `${shown} of ${total}`,
  speed: 'Tokens per second',
  atStart: 'Play this when the page opens',
  headline: {
    title: 'Watch a model look back',
    looking: 'It stops, and looks at the picture again, cell by cell.',
    changed: (first: string, last: string) => `First thought ${first} · looked back · answered ${last}`,
    kept: (last: string) => `Looked back, and stayed with ${last}`,
    looked: (last: string) => `Looked back · answered ${last}`,
    plain: (last: string) => `Answered ${last} without looking back`,
  },
} as const;
