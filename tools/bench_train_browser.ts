// Runs the browser half of the train bench: a page of headless Chromium in which one small GPT is trained by our
// kernels and by jax-js in turns. Both run on one adapter in one page.

import type { GptComparison } from '../test/bench/train_page';
import { openBenchBrowser } from './bench_page';

/**
 * Trains on a page.
 * @param library folder with the built modules of @jax-js/jax
 */
export async function compareInBrowser(
  library: string,
  steps: number,
  warmUp: number,
): Promise<GptComparison> {
  const browser = await openBenchBrowser({ script: 'train_page', libraries: { jax: library } });
  try {
    return await browser.withPage(async (page) => {
      await page.waitForFunction(() => window.trainReady);
      return page.evaluate(([s, w]) => window.compareGpt(s, w), [steps, warmUp] as const);
    });
  } finally {
    await browser.close();
  }
}
