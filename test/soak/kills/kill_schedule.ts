// Chooses when to kill: at each write boundary the first time that it is seen, act by act, then at random moments. A
// boundary counts as killed at only when the browser was killed at that very mark.

import type { ActName, Mark } from '../../harness/kill_messages';

/** Where a life is: what it does before its act are writes as well. */
export type Stage = 'recovery' | 'preparation' | ActName;

/** Acts in the order in which their boundaries are gone through. */
const ACT_ORDER: readonly ActName[] = ['dataset', 'train', 'resume', 'adapter', 'pause', 'grpo', 'delete'];
/** A commit takes a few of these. */
const COMMIT_MS = 6;
/** Of steps that repeat, the first and the second count as boundaries of their own. */
const OCCURRENCES = 2;

/** What one life is for. */
export interface KillPlan {
  readonly act: ActName;
  readonly at:
    | { readonly kind: 'boundary' }
    | { readonly kind: 'mark'; readonly nth: number }
    | { readonly kind: 'moment'; readonly share: number }
    /** A little after a request's event is over, when a commit may be under way; which event, as a share of the act's. */
    | { readonly kind: 'after'; readonly share: number; readonly delayMs: number };
}

/** A generator of numbers from 0 to below 1: mulberry32, public domain, by Tommy Ettinger. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Acts that write a run in the same way; one boundary of theirs is like another. */
const TRAINING: readonly Stage[] = ['train', 'resume', 'pause', 'grpo'];

/** A boundary in words: the transaction by its stores, the request by its number and what it writes. */
function boundaryName(stage: Stage, { stores, at, nth, write }: Mark): string {
  const state = write?.store === 'runs' && write.op !== 'delete' ? ` (${write.facts?.state})` : '';
  const what = write === undefined ? '' : ` ${write.op} ${write.store}${state}`;
  return `${TRAINING.includes(stage) ? 'training' : stage}: ${stores.join('+')} ${nth}${what} ${at}`;
}

/** See the head of the file. */
export class KillSchedule {
  readonly #random: () => number;
  /** Few kills sample the boundaries instead of going through all of them. */
  readonly #sampling: boolean;
  readonly #killedAt = new Set<string>();
  readonly #complete = new Set<ActName>();
  #occurrences = new Map<string, number>();
  #lives = 0;

  constructor(seed: number, count: number) {
    this.#random = randomFrom(seed);
    this.#sampling = count < 100;
  }

  /** Boundaries at which the browser was killed. */
  get boundaries(): readonly string[] {
    return [...this.#killedAt];
  }

  /** Acts that came to their end without a boundary that was not yet killed at. */
  get complete(): readonly ActName[] {
    return [...this.#complete];
  }

  /** True when every act is complete. */
  get enumerated(): boolean {
    return this.#complete.size === ACT_ORDER.length;
  }

  /** A new life: its marks are counted from the beginning. */
  newLife(): void {
    this.#occurrences = new Map();
  }

  /** What the rest of a life is for. @param resumable whether there is a run to resume */
  next(resumable: boolean): KillPlan {
    const life = this.#lives++;
    if (this.#sampling) return this.#sample(life % 4);
    const open = ACT_ORDER.filter((act) => !this.#complete.has(act));
    const act = open.find((name) => name !== 'resume' || resumable);
    if (act !== undefined) return { act, at: { kind: 'boundary' } };
    // Only going on is left, and nothing to go on with: an interrupted run is made.
    if (open.length > 0) return { act: 'train', at: { kind: 'moment', share: 0.8 } };
    const acts = ACT_ORDER.filter((name) => name !== 'resume' || resumable);
    const random = acts[Math.floor(this.#random() * acts.length)] ?? 'train';
    const share = this.#random();
    if (this.#random() < 0.5) return { act: random, at: { kind: 'moment', share } };
    return { act: random, at: { kind: 'after', share, delayMs: COMMIT_MS * this.#random() } };
  }

  /** One of four kinds of kill where few have to do. */
  #sample(turn: number): KillPlan {
    const share = this.#random();
    const nth = (marks: number) => ({ kind: 'mark', nth: 1 + Math.floor(marks * share) }) as const;
    // So many marks a whole act has at least.
    if (turn === 0) return { act: 'train', at: nth(60) };
    if (turn === 1) return { act: 'adapter', at: nth(26) };
    if (turn === 2)
      return { act: 'dataset', at: { kind: 'after', share, delayMs: COMMIT_MS * this.#random() } };
    return { act: 'train', at: { kind: 'moment', share } };
  }

  /** The name of a mark's boundary if it is one to kill at, else null. @param nthOfAct counts the marks of the act */
  at(plan: KillPlan | null, stage: Stage, mark: Mark, nthOfAct: number): string | null {
    const name = boundaryName(stage, mark);
    const seen = (this.#occurrences.get(name) ?? 0) + 1;
    this.#occurrences.set(name, seen);
    const boundary = seen === 1 ? name : `${name} (${seen})`;
    const isNew = seen <= OCCURRENCES && !this.#killedAt.has(boundary);
    const wanted: Readonly<Record<KillPlan['at']['kind'] | 'none', boolean>> = {
      // What a start mends is a boundary, too, whenever it comes up.
      none: stage === 'recovery' && isNew && !this.#sampling,
      boundary: stage === plan?.act && isNew,
      mark: stage === plan?.act && plan.at.kind === 'mark' && nthOfAct === plan.at.nth,
      moment: false,
      after: false,
    };
    if (!wanted[plan?.at.kind ?? 'none']) return null;
    this.#killedAt.add(boundary);
    return boundary;
  }

  /** An act came to its end: all its boundaries have been killed at. */
  ended(plan: KillPlan): void {
    if (plan.at.kind === 'boundary') this.#complete.add(plan.act);
  }
}
