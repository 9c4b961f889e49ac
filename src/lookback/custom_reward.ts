// Scores completions by a user's function, in a Worker that is ended when it takes too long. What the function does
// wrong is an error with a code `reward/…`, upon which a run is paused as it was after its last step.

import { readAnswer } from '../answer/answer_reading';
import { LookBackError } from '../lib/errors';
import { Interruption } from '../lib/interruption';
import type { RewardOutcome, RewardSample } from '../train/rewards';
import type { CustomRewardReply, CustomRewardSample } from './reward_sandbox';

/** One call, as the Worker receives it. */
export interface RewardCall {
  readonly source: string;
  readonly sample: CustomRewardSample;
  readonly limitMs: number;
}

/** A Worker that answers each {@link RewardCall} with a {@link CustomRewardReply}, one at a time. */
export interface RewardWorker {
  /** The interpreter is loaded and calls are taken. Rejects when it cannot be started. */
  readonly ready: Promise<void>;
  call(call: RewardCall): Promise<CustomRewardReply>;
  /** Ends it at once, whatever it does; a call in flight never settles. */
  terminate(): void;
}

/** Starts a Worker; a browser's and Node's differ. */
export type OpenRewardWorker = () => RewardWorker;

/** Longest source in characters. */
export const MAX_REWARD_SOURCE = 20_000;
/** Time for one completion. */
const LIMIT_MS = 1000;
/** What the Worker may take beyond it: an operation that the interpreter does not interrupt, a slow machine. */
const GRACE_MS = 4000;

/** What a user's function is given of a completion. */
export function customSample(sample: RewardSample, accuracy: number): CustomRewardSample {
  const { countTokens: _, ...own } = sample;
  const { answer, backs } = readAnswer(sample.text);
  const looks = backs.map(({ start, end, text: inside }) => ({
    text: inside,
    tokens: sample.countTokens(start, end),
  }));
  return { ...own, answer, accuracy, backs: looks };
}

/** A question of a run, of which a function is tried on a made-up completion. */
export type TrialQuestion = Pick<RewardSample, 'question' | 'kind' | 'pictures' | 'columns'>;

const TRIAL_QUESTION: TrialQuestion = { question: 'How many?', kind: 'visual', pictures: 1, columns: {} };
const TRIAL_COMPLETION: Omit<CustomRewardSample, keyof TrialQuestion> = {
  ...{ text: '<think> I see 2. </think> \\boxed{2}', answer: '2', expected: '2', accuracy: 1 },
  ...{ finished: true, length: 12, maxLength: 100, backs: [] },
  attention: { early: 0.3, late: 0.1, inBack: null, backPeak: null, afterBack: null },
  visualGain: null,
};

/** A user's function at work. */
export class CustomReward {
  readonly #source: string;
  readonly #open: OpenRewardWorker;
  readonly #timeMs: number;
  readonly #ended = new Interruption();
  #worker: RewardWorker | undefined;
  /** Calls wait for each other: the Worker does one at a time. */
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param source JavaScript that defines `function reward(sample)`
   * @param timeMs time for one completion, within an operation and over all
   */
  constructor(source: string, open: OpenRewardWorker, timeMs = LIMIT_MS + GRACE_MS) {
    if (source.length > MAX_REWARD_SOURCE) {
      throw new LookBackError(
        'reward/source',
        `The reward has ${source.length} characters; up to ${MAX_REWARD_SOURCE} are taken.`,
      );
    }
    [this.#source, this.#open, this.#timeMs] = [source, open, timeMs];
  }

  /**
   * Tries the function once.
   * @param question one of the run's, where its columns may be read
   * @throws as {@link CustomReward.score}
   */
  async check(question = TRIAL_QUESTION): Promise<void> {
    await this.#queued({ ...TRIAL_COMPLETION, ...question });
  }

  /**
   * Scores one completion.
   * @throws LookBackError `reward/time`, `reward/memory`, `reward/source` or `reward/failed`, saying what it did
   */
  async score(sample: RewardSample, accuracy: number): Promise<RewardOutcome> {
    const { score, why } = await this.#queued(customSample(sample, accuracy));
    return { score, why: why === '' ? `The custom reward gave ${score}.` : why, span: null };
  }

  /** Ends its Worker for good: what it was asked and did not answer, and what it is asked later, rejects with `reward/failed`. */
  destroy(): void {
    this.#ended.interrupt(new LookBackError('reward/failed', 'The custom reward was ended.'));
    this.#endWorker();
  }

  #endWorker(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
  }

  #queued(sample: CustomRewardSample): Promise<{ score: number; why: string }> {
    const next = this.#last.then(() => this.#call(sample));
    this.#last = next.catch(() => undefined);
    return this.#ended.until(next);
  }

  async #call(sample: CustomRewardSample): Promise<{ score: number; why: string }> {
    // A Worker that is opened now would never be ended.
    this.#ended.check();
    this.#worker ??= this.#open();
    const worker = this.#worker;
    await worker.ready;
    const reply = await this.#inTime(worker, {
      source: this.#source,
      sample,
      limitMs: Math.min(LIMIT_MS, this.#timeMs),
    });
    if ('score' in reply) return reply;
    throw new LookBackError(reply.fault, `The custom reward: ${reply.message}`);
  }

  async #inTime(worker: RewardWorker, call: RewardCall): Promise<CustomRewardReply> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<CustomRewardReply>((resolve) => {
      timer = setTimeout(() => {
        this.#endWorker();
        resolve({ fault: 'reward/time', message: 'It took too long within one operation, and was ended.' });
      }, this.#timeMs);
    });
    try {
      return await Promise.race([worker.call(call), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What a Worker posts: that it is ready, or a reply. */
export type RewardMessage = 'ready' | CustomRewardReply;

/** A port of a Worker, a browser's or Node's. */
export interface RewardPort {
  post(call: RewardCall): void;
  terminate(): void;
}

/** A {@link RewardWorker} over a port that hands over what the Worker posts and what ends it. */
export function rewardWorkerOver(
  open: (said: (message: RewardMessage) => void, failed: (message: string) => void) => RewardPort,
): RewardWorker {
  let settle: ((reply: CustomRewardReply) => void) | undefined;
  let started: () => void = () => undefined;
  let broken: (error: Error) => void = () => undefined;
  const ready = new Promise<void>((resolve, reject) => {
    [started, broken] = [resolve, reject];
  });
  const port = open(
    (message) => {
      if (message === 'ready') started();
      else settle?.(message);
    },
    (message) => {
      broken(new LookBackError('reward/failed', `The custom reward's Worker could not run: ${message}`));
      settle?.({ fault: 'reward/failed', message: `its Worker ended: ${message}` });
    },
  );
  return {
    ready,
    call: (call) =>
      new Promise((resolve) => {
        settle = resolve;
        port.post(call);
      }),
    terminate: () => port.terminate(),
  };
}

/** Starts the Worker of a browser. */
export const openBrowserRewardWorker: OpenRewardWorker = () =>
  rewardWorkerOver((said, failed) => {
    const worker = new Worker(new URL('./custom_reward.worker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<RewardMessage>) => said(data);
    worker.onerror = ({ message }) => failed(message);
    return { post: (call) => worker.postMessage(call), terminate: () => worker.terminate() };
  });
