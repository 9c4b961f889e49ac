// Plays a recorded answer when the page opens, before anything is loaded and whether or not there is WebGPU: the one that the
// address carries, or else one that comes with the page, so that the first thing to be seen is a look back. Who does not
// want that one switches it off beside it.

import { signal } from '@preact/signals';
import type { Look } from '../../state/look';
import { readAddress } from '../../state/look_address';
import type { ReplayStart } from '../../state/look_replay';
import { browserText } from '../browser_text';
import { wantsNoMotion } from '../motion';
import { applyAddress, followAddress, isOwnAddress } from './address';

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

/** Plays the answer that the address carries; false where it carries none. */
async function playLinked(look: Look): Promise<boolean> {
  const { trace, steps } = readAddress(location.hash);
  if (trace === null) return false;
  const file = import('../../state/trace_link').then(({ traceFileOfLink }) => traceFileOfLink(trace));
  // Who sends certain steps wants them to be seen.
  await look.openTrace(file, 'The link', steps === null ? start() : 'whole');
  return true;
}

/** Plays the first recording, and from then on each that comes with an address. */
export async function playFirst(look: Look): Promise<void> {
  const open = async (): Promise<boolean> => {
    const linked = await playLinked(look);
    await applyAddress(look, location.hash);
    return linked;
  };
  addEventListener('hashchange', () => {
    if (!isOwnAddress(location.hash)) void open();
  });
  const { example } = readAddress(location.hash);
  const linked = await open();
  void followAddress(look);
  // A picture that somebody sent is what is to be seen first.
  if (linked || example !== null || !playsFirst.value) return;
  const response = await fetch(FILE).catch(() => null);
  // The page works without it.
  if (response?.ok !== true) return;
  await look.openTrace(response.blob(), 'The recording', start());
}
