// Brings a large model into a browser that is killed half-way: what was kept is not asked for again, the renderer's memory
// stays bounded while it arrives and while its weights are read, rounded and written to the device, and it loads again with
// the hub off.

import type { BrowserContext, Page } from '@playwright/test';
import type { TestHub } from '../../hub/hub_server';
import { type Growth, growthFromNow, killBrowser } from './renderer_memory';

/** What it came to; bytes and seconds. */
export interface LargeSummary {
  readonly bytes: number;
  readonly keptAtKill: number;
  /** Bytes that the hub sent before the kill and after it. */
  readonly sent: readonly [before: number, after: number];
  readonly phases: readonly ({ readonly name: string; readonly seconds: number } & Growth)[];
  readonly violations: readonly string[];
}

/** What it is done with. */
export interface LargeParts {
  readonly hub: TestHub;
  readonly id: string;
  readonly bytes: number;
  readonly profile: string;
  open(): Promise<{ context: BrowserContext; page: Page }>;
  say(line: string): void;
}

/** The renderer may grow by so much, whatever the model's size. */
const MOST_GROWTH = 600e6;
/** Headers of requests that the hub counts, and config.json: what is fetched again besides pieces. */
const SMALL_BYTES = 1e6;

const mega = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

/** Runs the phases one after another and measures each. */
class LargeLoad {
  readonly #parts: LargeParts;
  readonly #phases: LargeSummary['phases'][number][] = [];
  readonly violations: string[] = [];

  constructor(parts: LargeParts) {
    this.#parts = parts;
  }

  get phases(): LargeSummary['phases'] {
    return this.#phases;
  }

  /** Opens the browser with a Worker that is ready; what it takes by then is no part of a download. */
  async begin(): Promise<{ context: BrowserContext; page: Page }> {
    const { context, page } = await this.#parts.open();
    const { href } = this.#parts.hub.endpoint;
    await page.evaluate((address) => window.hubSoak.begin(address, false), href);
    await page.evaluate(() => window.hubSoak.progress());
    return { context, page };
  }

  async phase<T>(name: string, run: () => Promise<T>): Promise<T> {
    const growth = growthFromNow(this.#parts.profile);
    const began = performance.now();
    const result = await run();
    const seconds = Math.round((performance.now() - began) / 100) / 10;
    const { renderer, gpuProcess } = growth();
    this.#phases.push({ name, seconds, renderer, gpuProcess });
    this.#parts.say(`${name}: ${seconds} s, renderer +${mega(renderer)}, GPU process +${mega(gpuProcess)}`);
    if (renderer > MOST_GROWTH) this.violations.push(`${name}: the renderer grew by ${mega(renderer)}`);
    return result;
  }
}

/** Downloads until half of it is kept. @returns bytes kept by then */
async function halfOf(page: Page, { id, bytes }: LargeParts): Promise<number> {
  let ended: string | null | undefined;
  const download = page.evaluate((name) => window.hubSoak.download(name), id);
  // It never answers when the browser is killed.
  download.then(
    (code) => {
      ended = code;
    },
    () => undefined,
  );
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const kept = await page.evaluate(() => window.hubSoak.progress());
    if (kept >= bytes / 2) return kept;
    if (ended !== undefined) throw new Error(`The first half ended with ${ended}.`);
  }
}

/** Runs all of it; the hub is closed at the end. */
export async function loadLarge(parts: LargeParts): Promise<LargeSummary> {
  const { hub, id, bytes } = parts;
  const load = new LargeLoad(parts);
  const { violations } = load;
  const first = await load.begin();
  const keptAtKill = await load.phase('download of the first half', () => halfOf(first.page, parts));
  await killBrowser(parts.profile);
  const before = hub.sentBytes;

  const second = await load.begin();
  const code = await load.phase('download of the second half', () =>
    second.page.evaluate((name) => window.hubSoak.download(name), id),
  );
  if (code !== null) violations.push(`the second half ended with ${code}`);
  const after = hub.sentBytes - before;
  const again = after - (bytes - keptAtKill);
  if (again > SMALL_BYTES) violations.push(`${mega(again)} that were kept were fetched again`);
  const written = await load.phase('load', () =>
    second.page.evaluate((name) => window.hubSoak.load(name, true), id),
  );
  await second.context.close();

  await hub.close();
  const third = await load.begin();
  const offline = await third.page.evaluate((name) => window.hubSoak.download(name), id);
  if (offline !== null) violations.push(`with the hub off, it was asked for again: ${offline}`);
  const rewritten = await load.phase('load with the hub off', () =>
    third.page.evaluate((name) => window.hubSoak.load(name, true), id),
  );
  if (rewritten !== written) violations.push('the second load wrote other weights');
  await third.context.close();
  return { bytes, keptAtKill, sent: [before, after], phases: load.phases, violations };
}
