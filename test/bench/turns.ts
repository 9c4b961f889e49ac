// Times two ways of doing the same in turns, so that whatever else the machine does meets both.

/** Milliseconds of every round, of both ways. */
export interface PeerTimes {
  readonly ours: readonly number[];
  readonly peer: readonly number[];
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** Runs both once in every round. Whoever goes second may find warmer caches: they change places. */
export async function inTurns(
  ways: Readonly<Record<'ours' | 'peer', () => Promise<unknown>>>,
  rounds: number,
): Promise<PeerTimes> {
  const times: Record<'ours' | 'peer', number[]> = { ours: [], peer: [] };
  for (let round = 0; round < rounds; round++)
    for (const name of round % 2 === 0 ? (['ours', 'peer'] as const) : (['peer', 'ours'] as const))
      times[name].push(await timed(ways[name]));
  return times;
}
