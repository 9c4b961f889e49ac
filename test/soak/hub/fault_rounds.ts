// Loads a tiny model again and again while faults are put in the way of its download, and while it is paused, cancelled,
// its Worker killed or its tab reloaded. A round ends with the model loaded, bit for bit what its files say, or with the
// error that a fault of the round stands for; anything else is a violation.

import type { Page } from '@playwright/test';
import {
  FATAL_FAULTS,
  type HubFault,
  LISTING_FAULTS,
  PASSING_FAULTS,
  type TestHub,
} from '../../hub/hub_server';
import { randomFrom } from '../kills/kill_schedule';

/** What may come in the way besides a fault of the hub. */
const ACTS = ['pause', 'cancel', 'kill', 'reload'] as const;
type Act = (typeof ACTS)[number];

type Counted = 'refused' | 'errors' | 'acts' | 'faults';

/** What the rounds came to. */
export interface RoundsSummary {
  readonly rounds: number;
  readonly loaded: number;
  /** Rounds that were given up at an error, by its code. */
  readonly refused: Readonly<Record<string, number>>;
  /** Errors of all tries, by code. */
  readonly errors: Readonly<Record<string, number>>;
  readonly acts: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly violations: readonly string[];
}

/** What a fault that passes may end in, where it comes too often. */
function codesOf(fault: HubFault): readonly string[] {
  if (fault in FATAL_FAULTS) return [FATAL_FAULTS[fault as keyof typeof FATAL_FAULTS]];
  if (fault === 'altered-byte') return ['model/integrity'];
  // The last of several failures in a row gives its name.
  return fault === 'whole-file' ? [] : ['model/hub-unreachable', 'model/hub-busy'];
}

/** A lock or a file of a Worker that has gone comes free a moment later. */
const PASSING_CODES = ['storage/model-busy', 'storage/model-in-use', 'storage/failed', 'storage/closed'];
const PASSING_WORDS = /in use|Another tab|could not read or write|closed the storage/;
const RATES = [0, 0.05, 0.2, 0.5, 0.8];
const ACT_RATE = 0.35;
const GIVE_UP_RATE = 0.3;
const TRIES_WITH_FAULTS = 3;
const MOST_TRIES = 100;
/** Each takes as long as a stall. */
const MOST_STALLS = 3;
const RETRY_MS = 50;
/** Acts come while a tiny model is on its way. */
const MOST_DELAY_MS = 150;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs rounds with the model of this id, whose loads have this digest. */
export class FaultRounds {
  readonly #page: Page;
  readonly #hub: TestHub;
  readonly #id: string;
  readonly #digest: string;
  readonly #random: () => number;
  readonly #counts: Record<Counted, Record<string, number>> = {
    refused: {},
    errors: {},
    acts: {},
    faults: {},
  };
  readonly #violations: string[] = [];
  #injected = new Set<HubFault>();
  #loaded = 0;
  #done = 0;

  constructor(page: Page, hub: TestHub, model: { id: string; digest: string }, seed: number) {
    this.#page = page;
    this.#hub = hub;
    this.#id = model.id;
    this.#digest = model.digest;
    this.#random = randomFrom(seed);
  }

  #pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random() * items.length)] as T;
  }

  #count(what: Counted, name: string): void {
    this.#counts[what][name] = (this.#counts[what][name] ?? 0) + 1;
  }

  /** What the rounds so far came to. */
  get summary(): RoundsSummary {
    return { rounds: this.#done, ...this.#counts, loaded: this.#loaded, violations: this.#violations };
  }

  async run(rounds: number, onRound: () => void): Promise<void> {
    this.#hub.retryAfter = 1;
    await this.#begin();
    for (let round = 1; round <= rounds; round++) {
      await this.#round(round);
      this.#done = round;
      onRound();
    }
    await this.#clear();
  }

  async #begin(): Promise<void> {
    await this.#page.evaluate((address) => window.hubSoak.begin(address, true), this.#hub.endpoint.href);
  }

  /** What the Worker's files and locks allow, as soon as those of one that has gone come free. */
  async #patiently<T>(run: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await run();
      } catch (error) {
        if (tries === MOST_TRIES || !PASSING_WORDS.test(String(error))) throw error;
        await pause(RETRY_MS);
      }
    }
  }

  #clear(): Promise<void> {
    return this.#patiently(() => this.#page.evaluate((id) => window.hubSoak.clear(id), this.#id));
  }

  /** Puts up to three kinds of faults in the way, as often as this round's rate says. */
  #hinder(): void {
    const rate = this.#pick(RATES);
    const all = [...PASSING_FAULTS, ...PASSING_FAULTS, ...Object.keys(FATAL_FAULTS)] as HubFault[];
    const kinds = Array.from({ length: 1 + Math.floor(this.#random() * 3) }, () => this.#pick(all));
    let stalls = 0;
    const choose = (from: readonly HubFault[]): HubFault | null => {
      if (from.length === 0 || this.#random() >= rate) return null;
      const fault = this.#pick(from);
      if ((fault === 'stall' || fault === 'no-answer') && ++stalls > MOST_STALLS) return null;
      this.#injected.add(fault);
      this.#count('faults', fault);
      return fault;
    };
    const ofListings = kinds.filter((fault) => LISTING_FAULTS.includes(fault));
    this.#hub.fault = () => choose(kinds);
    this.#hub.listingFault = () => choose(ofListings);
  }

  async #round(round: number): Promise<void> {
    await this.#clear();
    this.#hinder();
    let last: string | null = 'none';
    for (let tries = 1; tries <= TRIES_WITH_FAULTS && last !== null; tries++) {
      this.#injected.clear();
      last = await this.#try();
      this.#judge(round, last, tries === 1);
    }
    this.#hub.fault = () => null;
    this.#hub.listingFault = () => null;
    // Whoever gives up at the last error has nothing wrong; whoever tries again without faults has the model.
    if (last !== null) {
      if (last.startsWith('model/') && this.#random() < GIVE_UP_RATE) {
        this.#count('refused', last);
        // Requests of the download that ended may still be on their way.
        return pause(RETRY_MS);
      }
      last = await this.#download();
    }
    if (last !== null)
      return void this.#violations.push(`${this.#id}, round ${round}: without faults it ended with ${last}`);
    const load = () => this.#page.evaluate((id) => window.hubSoak.load(id, false), this.#id);
    if ((await this.#patiently(load)) === this.#digest) this.#loaded++;
    else this.#violations.push(`${this.#id}, round ${round}: loaded other weights`);
  }

  /** One download; now and then something is done to it meanwhile. */
  async #try(): Promise<string | null> {
    const act = this.#random() < ACT_RATE ? this.#pick(ACTS) : null;
    const delay = this.#random() * MOST_DELAY_MS;
    if (act === null) return this.#download();
    // A page that is reloaded never answers.
    const ended = this.#download().catch((error: unknown) => `lost: ${String(error)}`);
    const early = await Promise.race([ended, pause(delay).then(() => 'late')]);
    if (early !== 'late') return early;
    this.#count('acts', act);
    return this.#act(act, ended);
  }

  /** Does something to the download under way. @returns how that ended */
  async #act(act: Act, ended: Promise<string | null>): Promise<string | null> {
    if (act === 'pause' || act === 'cancel') {
      await this.#page.evaluate(() => window.hubSoak.pause());
      const outcome = await ended;
      if (act === 'cancel') await this.#clear();
      return act === 'cancel' && outcome === null ? 'cancelled' : outcome;
    }
    if (act === 'kill') await this.#page.evaluate(() => window.hubSoak.kill());
    else {
      await this.#page.reload();
      await this.#page.waitForFunction(() => window.hubSoak !== undefined);
    }
    await this.#begin();
    return 'killed';
  }

  /** Downloads, as soon as whoever had the folder before has given it back. */
  async #download(): Promise<string | null> {
    for (let tries = 1; ; tries++) {
      const code = await this.#page.evaluate((id) => window.hubSoak.download(id), this.#id);
      if (code === null || !PASSING_CODES.includes(code) || tries === MOST_TRIES) return code;
      await pause(RETRY_MS);
    }
  }

  /** @param first whether no request of an earlier try can be among those that had faults */
  #judge(round: number, code: string | null, first: boolean): void {
    const faults = [...this.#injected];
    const had = faults.join(', ') || 'no fault';
    if (code === null) {
      // A whole file that comes where a range was asked for makes what else is under way needless.
      const fatal = faults.filter((fault) => fault in FATAL_FAULTS);
      if (first && fatal.length > 0 && !this.#injected.has('whole-file'))
        this.#violations.push(`${this.#id}, round ${round}: was downloaded in spite of ${fatal.join(', ')}`);
      return;
    }
    if (['killed', 'paused', 'cancelled'].includes(code)) return;
    this.#count('errors', code);
    if (faults.some((fault) => codesOf(fault).includes(code))) return;
    this.#violations.push(`${this.#id}, round ${round}: ${code} after ${had}`);
  }
}

function addedUp(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [name, count] of counts.flatMap((one) => Object.entries(one)))
    sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

/** What several runs came to together. */
export function together(runs: readonly RoundsSummary[]): RoundsSummary {
  return {
    rounds: runs.reduce((sum, { rounds }) => sum + rounds, 0),
    loaded: runs.reduce((sum, { loaded }) => sum + loaded, 0),
    refused: addedUp(runs.map(({ refused }) => refused)),
    errors: addedUp(runs.map(({ errors }) => errors)),
    acts: addedUp(runs.map(({ acts }) => acts)),
    faults: addedUp(runs.map(({ faults }) => faults)),
    violations: runs.flatMap(({ violations }) => violations),
  };
}
