// Keeps at most one run live over all tabs: hands out the lock, settles what a crash left of runs that held it, and
// refuses to let go of a dataset or an adapter that a live run reads. Whatever else asks the
// model for long, a cold start or an evaluation, takes the same lock.

import { LookBackError } from '../../lib/errors';
import type { PlainError } from '../../lib/plain_error';
import type { HeldLock } from '../../storage/locks';
import type { RunRecord } from '../../storage/records';
import type { TrainingPlan } from '../../worker/protocol/training';
import type { TrainingRuns } from './training_run';

/** What keeping runs apart needs. */
export interface LiveRunsParts {
  readonly runs: Pick<TrainingRuns, 'list' | 'settleInterrupted'>;
  /** Takes the lock of live training over all tabs; null when somebody has it. */
  lock(): Promise<HeldLock | null>;
  /** Called when runs were settled. */
  changed(): void;
}

/** What may hold the device for long. */
export type LiveWork = 'run' | 'cold start' | 'evaluation';

/** What a plan reads from the library. */
export type NeededItem = { readonly kind: 'adapter' | 'dataset'; readonly id: string };

const INTERRUPTED: PlainError = {
  code: 'train/interrupted',
  message:
    'The page was closed or its process ended while this run was live. It can go on from its last checkpoint.',
};

/** The runs of this origin as far as one of them may be live. */
export class LiveRuns {
  readonly #parts: LiveRunsParts;
  /** What has the lock in this tab. */
  #held: LiveWork | null = null;
  /** What takes the lock, one after another: two commands of this tab must not find it in each other's hands. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(parts: LiveRunsParts) {
    this.#parts = parts;
  }

  /**
   * Takes the lock under which a run is live, and settles what a crash left.
   * @param wanted what has to wait otherwise, as the subject of a sentence
   * @throws LookBackError `train/busy` while a run is live, here or in another tab
   */
  claim(wanted: string, by: LiveWork = 'run'): Promise<HeldLock> {
    return this.#exclusive(async () => {
      if (this.#held !== null) throw busy('here', wanted, this.#held);
      const lock = await this.#parts.lock();
      if (lock === null) throw busy('elsewhere', wanted);
      try {
        await this.#parts.runs.settleInterrupted(INTERRUPTED);
      } catch (error) {
        lock.release();
        throw error;
      }
      this.#held = by;
      return {
        release: () => {
          this.#held = null;
          lock.release();
        },
      };
    });
  }

  /** Settles runs that say they are live when none is: nobody holds the lock. */
  async settle(): Promise<void> {
    await this.#exclusive(async () => {
      if (this.#held !== null || !(await this.#parts.runs.list()).some(isInFlight)) return;
      const lock = await this.#parts.lock();
      if (lock === null) return;
      try {
        if ((await this.#parts.runs.settleInterrupted(INTERRUPTED)) > 0) this.#parts.changed();
      } finally {
        lock.release();
      }
    });
  }

  /** Throws `train/busy` when this run is live, here or in another tab. */
  checkEnded(run: RunRecord<TrainingPlan>): void {
    if (isInFlight(run)) throw busy(this.#held ? 'here' : 'elsewhere', 'deleting it');
  }

  /** Rejects with `train/busy` while a live run of any tab reads the item. */
  async checkUnused(item: NeededItem): Promise<void> {
    await this.settle();
    for (const run of await this.#parts.runs.list()) {
      if (!isInFlight(run) || !needs(run.plan, item)) continue;
      throw busy(this.#held ? 'here' : 'elsewhere', `deleting the ${item.kind} that it reads`);
    }
  }

  #exclusive<T>(body: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(body);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

const LIVE_WORDS: Readonly<Record<LiveWork, string>> = {
  run: 'A run is training',
  'cold start': 'The model is being asked for a cold start',
  evaluation: 'An evaluation is asking the model',
};

/** A run is live, here or in another tab. Code `train/busy`. */
export function busy(where: 'here' | 'elsewhere', wanted: string, by: LiveWork = 'run'): LookBackError {
  const message =
    where === 'here'
      ? `${LIVE_WORDS[by]}; ${wanted} has to wait: pause${by === 'run' ? ' or stop' : ''} it first.`
      : `Another tab is training, or asks the model for a cold start or an evaluation; ${wanted} has to wait: pause it there.`;
  return new LookBackError('train/busy', message, { where });
}

function isInFlight({ state }: RunRecord): boolean {
  return state === 'preparing' || state === 'running' || state === 'pausing';
}

function needs({ source, adapterId, evalDatasetId }: TrainingPlan, { kind, id }: NeededItem): boolean {
  if (kind === 'adapter') return adapterId === id;
  if (evalDatasetId === id) return true;
  return source.kind === 'dataset' && source.datasetId === id;
}
