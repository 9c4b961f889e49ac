// Plays a recorded answer when the page opens, before anything is loaded and whether or not there is WebGPU, so that the
// first thing to be seen is a look back. Who does not want it switches it off beside it.

import { signal } from '@preact/signals';
import type { Look } from '../../state/look';
import { browserText } from '../browser_text';

const FILE = './traces/first.trace.json';
const kept = browserText('look-back/first-trace');

/** Whether the recording plays when the page opens. */
export const playsFirst = signal(kept.read() !== 'off');

/** Keeps the choice for the next visits. */
export function setPlaysFirst(plays: boolean): void {
  playsFirst.value = plays;
  kept.write(plays ? 'on' : 'off');
}

/** Plays the recording; where motion is not wanted, shows it played already. */
export async function playFirst(look: Look): Promise<void> {
  if (!playsFirst.value) return;
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const response = await fetch(FILE).catch(() => null);
  // The page works without it.
  if (response?.ok !== true) return;
  await look.openTrace(response.blob(), 'The recording', still ? 'whole' : 'playing');
}
