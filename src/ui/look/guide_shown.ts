// Remembers whether somebody wants to see the guide.

import { signal } from '@preact/signals';
import { browserText } from '../browser_text';

const kept = browserText('look-back/guide');

/** Whether the guide is shown. */
export const guideShown = signal(kept.read() !== 'off');

/** Shows it or puts it away, on later visits, too. */
export function showGuide(shown: boolean): void {
  guideShown.value = shown;
  kept.write(shown ? 'on' : 'off');
}
