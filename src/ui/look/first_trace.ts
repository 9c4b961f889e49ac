// Plays a recorded answer when the page opens, before anything is loaded and whether or not there is WebGPU: the one that the
// address carries, or else one that comes with the page, so that the first thing to be seen is a look back. Who does not
// want that one switches it off beside it.

import { signal } from '@preact/signals';
import type { Look } from '../../state/look';
import type { ReplayStart } from '../../state/look_replay';
import { browserText } from '../browser_text';
import { wantsNoMotion } from '../motion';

const FILE = './traces/first.trace.json';
const kept = browserText('look-back/first-trace');

/** Whether the recording plays when the page opens. */
export const playsFirst = signal(kept.read() !== 'off');

/** Keeps the choice for the next visits. */
export function setPlaysFirst(plays: boolean): void {
  playsFirst.value = plays;
  kept.write(plays ? 'on' : 'off');
}

/** Played already, where motion is not wanted. */
function start(): ReplayStart {
  return wantsNoMotion() ? 'whole' : 'playing';
}

/** What stands before a packed trace in an address. */
export const TRACE_FRAGMENT = '#/look?trace=';

/** Plays the answer that the address carries; false where it carries none. */
async function playLinked(look: Look): Promise<boolean> {
  const { hash } = location;
  if (!hash.startsWith(TRACE_FRAGMENT)) return false;
  const file = import('../../state/trace_link').then(({ traceFileOfLink }) =>
    traceFileOfLink(hash.slice(TRACE_FRAGMENT.length)),
  );
  await look.openTrace(file, 'The link', start());
  return true;
}

/** Plays the first recording, and from then on each that comes with an address. */
export async function playFirst(look: Look): Promise<void> {
  addEventListener('hashchange', () => void playLinked(look));
  if ((await playLinked(look)) || !playsFirst.value) return;
  const response = await fetch(FILE).catch(() => null);
  // The page works without it.
  if (response?.ok !== true) return;
  await look.openTrace(response.blob(), 'The recording', start());
}
