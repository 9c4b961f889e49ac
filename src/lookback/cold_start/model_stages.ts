// Runs the two stages of a cold start that ask a model: answers to every problem, and looks that the model writes itself.
// Both go wave by wave, keep each wave in a store as it ends, and go on from what the store holds.

import type { LookPosition } from '../../data/world/oracle';
import { itemAt } from '../../lib/invariant';
import type { ColdStartSettings } from '../../settings/cold_start_settings';
import type { StepHooks } from '../../train/trainer';
import { continued, forcedStart, type KeptLook, type OpenedChain, writtenFor } from './insertion';
import type { AnswerSampling, ModelAnswers } from './model_answers';
import { type ProblemSource, problemOf } from './problem_source';
import { type SampledProblem, sampledProblem } from './rollouts';

/** Whole answers of the model to a problem. */
export interface KeptAnswers {
  readonly id: string;
  readonly texts: readonly string[];
}

/** What is kept of each stage, by the id of the problem. */
export interface KeptRows {
  readonly rollouts: KeptAnswers;
  readonly self: KeptLook;
}

/** Where stages are kept. */
export interface StageStore {
  read<S extends keyof KeptRows>(stage: S): Promise<Map<string, KeptRows[S]>>;
  /** Keeps rows; they are there, all of them, once it resolves. */
  append<S extends keyof KeptRows>(stage: S, rows: readonly KeptRows[S][]): Promise<void>;
}

/** How far a stage is. */
export interface StageProgress {
  readonly done: number;
  readonly total: number;
  /** By the waves of this call; null before the first. */
  readonly secondsLeft: number | null;
}

/** Callbacks of a stage. */
export interface StageHooks extends StepHooks {
  readonly onProgress?: ((progress: StageProgress) => void) | undefined;
}

/** The part of a {@link ModelAnswers} that stages use. */
export type StageAnswers = Pick<ModelAnswers, 'prepare' | 'maxNewTokens' | 'wave' | 'destroy'>;

/** What a stage needs. */
export interface StageParts {
  readonly settings: ColdStartSettings;
  readonly store: StageStore;
  /** Opens the model once there is something to ask. @param first see {@link ModelAnswers} */
  open(first: number): Promise<StageAnswers>;
  readonly hooks: StageHooks;
}

/**
 * The model's answers to every problem.
 * @throws GpuError; what the store or a picture throws; the signal's reason when aborted: the wave in hand is then lost
 */
export async function sampleProblems(
  sources: readonly ProblemSource[],
  parts: StageParts,
): Promise<SampledProblem[]> {
  const { rollouts } = parts.settings;
  const known = await parts.store.read('rollouts');
  const left = sources.filter(({ id }) => !known.has(id));
  await inWaves(left, sources.length, rollouts, parts, async (answers, wave, ask) => {
    const started = await Promise.all(
      wave.map(async (source) => ({ prepared: await prepared(answers, source, 'cot'), start: '' })),
    );
    const texts = await ask(started);
    const rows = wave.map(({ id }, at): KeptAnswers => ({ id, texts: itemAt(texts, at) }));
    await parts.store.append('rollouts', rows);
    for (const row of rows) known.set(row.id, row);
  });
  return sources.map((source) =>
    sampledProblem(problemOf(source), known.get(source.id)?.texts ?? [], rollouts),
  );
}

/**
 * Looks that a model writes from the openings and an open `<back>`, several tries each.
 * @throws as {@link sampleProblems}
 */
export async function sampleLooks(
  opened: readonly OpenedChain[],
  parts: StageParts,
): Promise<Map<string, KeptLook>> {
  const { position, tries } = parts.settings;
  const known = await parts.store.read('self');
  const left = opened.filter((one) => !writtenFor(one, known));
  await inWaves(left, opened.length, tries, parts, async (answers, wave, ask) => {
    const started = await Promise.all(
      wave.map(async ({ source, opening }) => ({
        prepared: await prepared(answers, source, position),
        start: forcedStart(opening),
      })),
    );
    const texts = await ask(started);
    const rows = wave.map(({ source, opening }, at): KeptLook => {
      const { start } = itemAt(started, at);
      return { id: source.id, opening, texts: itemAt(texts, at).map((text) => continued(start, text)) };
    });
    await parts.store.append('self', rows);
    for (const row of rows) known.set(row.id, row);
  });
  return known;
}

async function prepared(answers: StageAnswers, source: ProblemSource, mode: 'cot' | LookPosition) {
  const { question: text, system } = source;
  return answers.prepare({ image: await source.pixels(), text, system, mode });
}

/** Asks about what is left of a stage, wave by wave; the model is opened only if something is. */
async function inWaves<T>(
  left: readonly T[],
  total: number,
  count: number,
  { settings, open, hooks }: StageParts,
  wave: (
    answers: StageAnswers,
    items: readonly T[],
    ask: (prompts: Parameters<StageAnswers['wave']>[0]) => Promise<string[][]>,
  ) => Promise<void>,
): Promise<void> {
  const before = total - left.length;
  const tell = (done: number, secondsLeft: number | null): void =>
    hooks.onProgress?.({ done: before + done, total, secondsLeft });
  tell(0, left.length === 0 ? 0 : null);
  if (left.length === 0) return;
  const { temperature, seed, maxNewTokens, batch } = settings;
  const answers = await open(before);
  const sampling: AnswerSampling = {
    ...{ count, temperature, seed },
    maxNewTokens: maxNewTokens ?? answers.maxNewTokens,
  };
  const began = performance.now();
  try {
    for (let at = 0; at < left.length; at += batch) {
      hooks.signal?.throwIfAborted();
      await hooks.turn?.();
      await wave(answers, left.slice(at, at + batch), (prompts) => answers.wave(prompts, sampling, hooks));
      const done = Math.min(left.length, at + batch);
      tell(done, ((performance.now() - began) / 1000 / done) * (left.length - done));
    }
  } finally {
    answers.destroy();
  }
}
