// Runs life after life on one profile: starts the browser, follows its marks, kills it where the schedule says, and
// judges what the next life finds. Each kill is judged exactly once, by the life that follows it.

import { checkAcknowledged, checkLists, type Repeatable } from '../../harness/kill_checks';
import { KillLedger } from '../../harness/kill_ledger';
import type {
  Acknowledged,
  Act,
  FoundLists,
  FoundRecord,
  FoundRun,
  LifeOrder,
  Mark,
} from '../../harness/kill_messages';
import { type BrowserLife, startBrowser } from './browser_life';
import { type KillPlan, KillSchedule, type Stage } from './kill_schedule';

/** What a campaign needs. */
export interface CampaignParts {
  readonly seed: number;
  readonly count: number;
  readonly executable: string;
  readonly profile: string;
  /** Tells a line of progress. */
  say(line: string): void;
}

/** What came of it. */
export interface CampaignSummary {
  readonly kills: number;
  /** Kills after which nothing was wrong. */
  readonly sound: number;
  /** Kills after which the browser could not open its own store; nothing of them can be judged. */
  readonly lostByBrowser: number;
  /** Different write boundaries killed at. */
  readonly boundaries: number;
  /** Acts all of whose boundaries were killed at; null when few kills only sample them. */
  readonly enumerated: boolean | null;
  readonly atBoundaries: number;
  readonly atRandomMoments: number;
  /** Transactions cut short, and how many of them were found whole. */
  readonly cut: number;
  readonly foundWhole: number;
  readonly seconds: number;
  readonly violations: readonly string[];
}

/**
 * What Chromium says where the LevelDB below its IndexedDB is damaged, before it throws that away. A kill that cuts a write of
 * its log short leaves the log with a torn end, to which the next life appends; the life after that cannot read it. The page
 * has no part in it, so that such a loss is counted apart and the campaign goes on with nothing kept. Source: the log's reuse
 * in leveldb's DBImpl::RecoverLogFile.
 */
const BROWSER_LOST = /^Internal error opening backing store/;
/** It was seen once in some hundreds of kills: more often, something else is wrong. Lives in a row are one loss. */
const KILLS_PER_LOSS = 100;

/** Where a life was killed. */
interface Kill {
  readonly place: string;
  readonly kind: 'boundary' | 'moment' | 'end';
}

/** Silence after which a life is given up; a busy machine may be slow. */
const SILENCE_MS = 240_000;
/** Guesses before the first whole act. */
const FIRST_DURATION_MS = 6000;
const FIRST_REQUESTS = 5;
const KEPT_RUNS = 10;
const KEPT_ADAPTERS = 6;
const KEPT_DATASETS = 3;

/** See the head of the file. */
export class KillCampaign {
  readonly #parts: CampaignParts;
  #ledger = new KillLedger();
  readonly #schedule: KillSchedule;
  readonly #repeatable: Repeatable = { steps: new Map(), weights: null };
  readonly #violations: string[] = [];
  readonly #durations = new Map<string, number>();
  /** Requests of whole acts. */
  readonly #requests = new Map<string, number>();
  readonly #tally = {
    ...{ kills: 0, sound: 0, lostByBrowser: 0 },
    ...{ atBoundaries: 0, atRandomMoments: 0, cut: 0, foundWhole: 0 },
  };
  /** Losses by the browser, and whether the present life met one. */
  #losses = 0;
  #lost = false;
  #life: BrowserLife | undefined;
  #stage: Stage = 'recovery';
  #plan: KillPlan | null = null;
  #kill: Kill | null = null;
  /** The kill that the present life judges, and what was wrong before it. */
  #judged: Kill | null = null;
  #wrongBefore = 0;
  #note = '';
  /** Marks of the act, and those at the end of a request. */
  #marks = 0;
  #done = 0;
  #began = 0;
  #timers: NodeJS.Timeout[] = [];
  #silence: NodeJS.Timeout | undefined;
  #lives = 0;

  constructor(parts: CampaignParts) {
    this.#parts = parts;
    this.#schedule = new KillSchedule(parts.seed, parts.count);
  }

  /** Kills until the count is full, then starts once more to judge the last kill. */
  async run(url: string): Promise<CampaignSummary> {
    const started = Date.now();
    for (let byItself = 0; ; ) {
      const from = Date.now();
      const last = this.#last;
      await this.#liveOnce(url);
      const kill = this.#kill;
      if (last && this.#judged === null) break;
      if (kill === null) {
        this.#violations.push(`the browser of life ${this.#lives} ended by itself`);
        if (++byItself >= 3) break;
        continue;
      }
      if (last) break;
      // Killed again before it could list anything: what lay on disk was judged.
      this.#judge();
      this.#tally.kills++;
      if (kill.kind === 'boundary') this.#tally.atBoundaries++;
      else this.#tally.atRandomMoments++;
      this.#judged = kill;
      this.#note = `${this.#tally.kills}/${this.#parts.count} ${kill.place}, ${seconds(from)} s`;
    }
    const { boundaries, enumerated } = this.#schedule;
    const whole = this.#parts.count >= 100;
    if (whole && !enumerated) this.#violations.push('there were too few kills for all boundaries');
    return {
      ...this.#tally,
      boundaries: boundaries.length,
      enumerated: whole ? enumerated : null,
      seconds: Math.round((Date.now() - started) / 1000),
      violations: this.#violations,
    };
  }

  /** Whether this life only judges the last kill. */
  get #last(): boolean {
    return this.#tally.kills >= this.#parts.count;
  }

  /** Ends the browser, to end the campaign at once. */
  abandon(): void {
    this.#life?.kill();
  }

  /** What the page or its Worker posts. */
  heard(path: string, body: unknown): object | null {
    if (this.#life === undefined || this.#kill !== null) return null;
    this.#listenOn();
    switch (path) {
      case '/mark':
        return this.#marked(body as Mark);
      case '/found':
        return this.#foundOnDisk(body as FoundRecord[]);
      case '/lists':
        return this.#listed(body as FoundLists);
      case '/begin':
        return this.#begin();
      case '/acknowledged':
        this.#violations.push(...checkAcknowledged(body as Acknowledged, this.#ledger));
        return {};
      case '/done':
        return this.#ended();
      default:
        if (this.#stage === 'recovery' && BROWSER_LOST.test((body as { message?: string }).message ?? ''))
          return this.#lose();
        this.#violations.push(`${this.#stage}: ${JSON.stringify(body)}`);
        return this.#strike({ place: `${this.#stage}: failed`, kind: 'end' });
    }
  }

  /** Starts over with nothing kept, as the browser does. */
  #lose(): null {
    if (!this.#lost) this.#losses++;
    this.#lost = true;
    if (this.#losses > 1 + this.#tally.kills / KILLS_PER_LOSS)
      this.#violations.push(`the browser lost its own store ${this.#losses} times`);
    this.#ledger = new KillLedger();
    return this.#strike({ place: 'recovery: the browser had lost its store', kind: 'end' });
  }

  async #liveOnce(url: string): Promise<void> {
    this.#lives++;
    this.#stage = 'recovery';
    this.#plan = null;
    this.#schedule.newLife();
    this.#kill = null;
    this.#marks = 0;
    this.#done = 0;
    const { executable, profile } = this.#parts;
    this.#life = startBrowser(executable, profile, url);
    this.#listenOn();
    await this.#life.over;
    this.#life = undefined;
    clearTimeout(this.#silence);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
  }

  /** Kills at once; nothing that was asked is answered any more. */
  #strike(kill: Kill): null {
    this.#kill = kill;
    this.#life?.kill();
    return null;
  }

  #listenOn(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.#violations.push(`${this.#stage}: nothing was heard for ${SILENCE_MS / 1000} s`);
      this.#strike({ place: `${this.#stage}: silent`, kind: 'end' });
    }, SILENCE_MS);
  }

  #marked(mark: Mark): object | null {
    if (this.#stage === this.#plan?.act) this.#counted(mark, this.#plan);
    const place = this.#last ? null : this.#schedule.at(this.#plan, this.#stage, mark, this.#marks);
    this.#ledger.mark(mark, place === null);
    return place === null ? {} : this.#strike({ place, kind: 'boundary' });
  }

  /** Counts a mark of the act, and sets the clock where the kill is to follow it. */
  #counted({ at: when }: Mark, { act, at }: KillPlan): void {
    this.#marks++;
    if (when !== 'done') return;
    this.#done++;
    if (
      at.kind !== 'after' ||
      this.#done !== 1 + Math.floor(at.share * (this.#requests.get(act) ?? FIRST_REQUESTS))
    )
      return;
    const place = `${act}: ${at.delayMs.toFixed(1)} ms after request ${this.#done}`;
    this.#timers.push(setTimeout(() => this.#strike({ place, kind: 'moment' }), at.delayMs));
  }

  #foundOnDisk(found: FoundRecord[]): object {
    this.#lost = false;
    this.#wrongBefore = this.#violations.length;
    const { violations, cut, kept } = this.#ledger.settle(found);
    this.#report(violations);
    this.#tally.cut += cut;
    this.#tally.foundWhole += kept;
    this.#note += cut === 0 ? '' : `; ${cut} transaction cut short, ${kept} found whole`;
    return {};
  }

  #listed(lists: FoundLists): object | null {
    this.#report(checkLists(lists, this.#ledger, this.#repeatable));
    this.#judge();
    if (this.#last) return this.#strike({ place: 'the end', kind: 'end' });
    this.#stage = 'preparation';
    const resumable = lists.runs.find((run) => isResumable(run, lists))?.id ?? null;
    this.#plan = this.#schedule.next(resumable !== null);
    return this.#order(this.#plan, lists, resumable) satisfies LifeOrder;
  }

  #report(violations: readonly string[]): void {
    const after = this.#judged === null ? 'at the beginning' : `after ${this.#judged.place}`;
    this.#violations.push(...violations.map((line) => `kill ${this.#tally.kills}, ${after}: ${line}`));
  }

  /** Closes the book on the kill before. */
  #judge(): void {
    if (this.#judged === null) return;
    const wrong = this.#violations.slice(this.#wrongBefore);
    const fine = this.#lost ? 'the browser lost its own store' : 'sound';
    if (wrong.length === 0) this.#tally[this.#lost ? 'lostByBrowser' : 'sound']++;
    this.#parts.say(`${this.#note}: ${wrong.length === 0 ? fine : wrong.join('; ')}`);
    this.#judged = null;
  }

  #order({ act: name }: KillPlan, lists: FoundLists, resumable: string | null): LifeOrder {
    const runs = byAge(lists.runs);
    const datasets = byAge(lists.datasets);
    const finished = runs.find((run) => run.name.startsWith('train') && run.state === 'finished')?.id ?? null;
    const whole = datasets.find(({ rows }) => rows === 2)?.id ?? null;
    // A run goes on only with its dataset.
    const its = runs.find(({ id }) => id === resumable)?.datasetId ?? null;
    const needed = [finished, whole, resumable, its];
    const oldest = (items: readonly { readonly id: string }[]) =>
      items.findLast(({ id }) => !needed.includes(id))?.id ?? null;
    const runId = name === 'resume' ? resumable : name === 'delete' ? oldest(runs) : finished;
    const datasetId = name === 'delete' ? oldest(datasets) : whole;
    const act: Act = { name, runId, datasetId, label: `${name} ${this.#lives}` };
    const old = (items: readonly { readonly id: string }[], kept: number) =>
      items
        .slice(kept)
        .map(({ id }) => id)
        .filter((id) => ![...needed, runId, datasetId].includes(id));
    const discard = {
      runs: old(runs, KEPT_RUNS),
      adapters: old(byAge(lists.adapters), KEPT_ADAPTERS),
      datasets: old(datasets, KEPT_DATASETS),
    };
    return { act, discard };
  }

  #begin(): object {
    const plan = this.#plan;
    if (plan !== null) this.#stage = plan.act;
    this.#began = Date.now();
    if (plan?.at.kind !== 'moment') return {};
    const delay = plan.at.share * (this.#durations.get(plan.act) ?? FIRST_DURATION_MS);
    const place = `${plan.act}: ${Math.round(delay)} ms after its beginning`;
    this.#timers.push(setTimeout(() => this.#strike({ place, kind: 'moment' }), delay));
    return {};
  }

  #ended(): null {
    const plan = this.#plan;
    if (plan === null) return this.#strike({ place: 'the end', kind: 'end' });
    this.#durations.set(plan.act, Date.now() - this.#began);
    this.#requests.set(plan.act, this.#done);
    this.#schedule.ended(plan);
    return this.#strike({ place: `${plan.act}: at its end`, kind: 'end' });
  }
}

/** An interrupted run of the act `train` that has one step to go, and its dataset still. */
function isResumable(
  { name, state, checkpointStep, datasetId }: FoundRun,
  { datasets }: FoundLists,
): boolean {
  const trainable = datasets.some(({ id }) => id === datasetId);
  return trainable && name.startsWith('train') && state === 'paused' && checkpointStep === 2;
}

/** Newest first. */
function byAge<T extends { readonly createdAt: number }>(items: readonly T[]): T[] {
  return [...items].sort((a, b) => b.createdAt - a.createdAt);
}

function seconds(from: number): string {
  return ((Date.now() - from) / 1000).toFixed(1);
}
