// Asks the questions whose greedy tokens Hugging Face transformers gave (f32, eager) and compares token by token. The
// questions, their pictures and tokens ship with the page in public/check; they are a part of test/fixtures/pocket.

import type { PixelArray } from '../../data/image/pillow_resize';
import type { GpuContext } from '../../gpu/device';
import { ModelError } from '../../lib/errors';
import { JsonReader } from '../../lib/json_reader';
import { greedy, Reasoner } from '../../lookback/reasoner';
import { readAdapterPair } from '../../model/adapter_pair';
import { LoraAdapter } from '../../model/lora';
import type { ModelFiles } from '../../model/vision_language_model';
import { REASONING_MODES, type ReasoningMode } from '../../settings/reasoning_modes';
import type { GoldenAnswer } from '../../worker/protocol/device_check';

/** One question with its tokens. */
export interface Golden {
  readonly id: string;
  /** File beside the list. */
  readonly image: string;
  readonly question: string;
  readonly mode: ReasoningMode;
  /** Whether the adapter answers it. */
  readonly adapter: boolean;
  readonly ids: readonly number[];
  /** Steps whose two best logits lie closer than 1e-3: either token is right there. */
  readonly ties: readonly number[];
}

/** The list: its model and adapter by their ids, and the questions. */
export interface Goldens {
  readonly model: string;
  readonly adapter: string;
  readonly questions: readonly Golden[];
}

/** Where the list lies, from the page. */
export const GOLDENS = 'check/goldens.json';

const fail = (message: string, key: string): ModelError =>
  new ModelError('model/list', `${GOLDENS}: ${message}`, { file: GOLDENS, key });

function readGolden(json: unknown): Golden {
  const one = new JsonReader(json, GOLDENS, fail);
  const mode = REASONING_MODES.find((known) => known === one.string('mode'));
  if (mode === undefined) throw fail('mode must be one of the modes of a question', 'mode');
  return {
    ...{ id: one.string('id'), image: one.string('image'), question: one.string('question'), mode },
    adapter: one.boolean('adapter'),
    ...{ ids: one.integers('ids'), ties: one.integers('ties') },
  };
}

/** Reads the list. @throws ModelError `model/list` naming what is wrong with it */
export function readGoldens(json: unknown): Goldens {
  const list = new JsonReader(json, GOLDENS, fail);
  const questions = list.raw('questions');
  if (!Array.isArray(questions)) throw fail('questions must be a list', 'questions');
  return {
    model: list.string('model'),
    adapter: list.string('adapter'),
    questions: questions.map(readGolden),
  };
}

/** Compares what was answered with what should have been. */
export function compareTokens({ id, adapter, ids, ties }: Golden, answered: readonly number[]): GoldenAnswer {
  const length = Math.max(ids.length, answered.length);
  const at = Array.from({ length }, (_, step) => step).find((step) => ids[step] !== answered[step]);
  const differs = at ?? null;
  return { id, adapter, tokens: ids.length, differs, tie: differs !== null && ties.includes(differs) };
}

/**
 * Asks all questions, those with the adapter first; the reasoner has none afterwards.
 * @param read the pixels of a picture by its name
 * @throws the signal's reason when aborted
 */
export async function askGoldens(
  reasoner: Reasoner,
  adapter: LoraAdapter,
  { questions }: Goldens,
  o: {
    read(image: string): Promise<PixelArray>;
    readonly signal: AbortSignal;
    readonly onProgress: (done: number, total: number) => void;
  },
): Promise<GoldenAnswer[]> {
  const found: GoldenAnswer[] = [];
  for (const golden of [...questions].sort((a, b) => Number(b.adapter) - Number(a.adapter))) {
    o.onProgress(found.length, questions.length);
    o.signal.throwIfAborted();
    reasoner.setAdapter(golden.adapter ? adapter : null);
    const image = await o.read(golden.image);
    const prepared = reasoner.prepare({ image, text: golden.question, mode: golden.mode });
    const request = { prepared, sampling: greedy(golden.ids.length) };
    const { answer, events } = await reasoner.start(request, { capture: 'none', signal: o.signal });
    for await (const _ of events);
    found.push(compareTokens(golden, answer.ids));
  }
  reasoner.setAdapter(null);
  o.onProgress(found.length, found.length);
  return found;
}

/** Where the list, its model, its adapter and its pictures come from. */
export interface GoldenSource {
  /** The list as JSON. */
  list(): Promise<unknown>;
  model(id: string): Promise<ModelFiles>;
  /** The two files of the adapter; null where it is not there. */
  adapter(id: string): Promise<{ readonly config: Uint8Array; readonly weights: Uint8Array } | null>;
  picture(name: string): Promise<PixelArray>;
}

/**
 * Loads the list's model for itself, asks all its questions, and frees everything.
 * @throws ModelError for what is missing; the signal's reason when aborted
 */
export async function answerGoldens(
  gpu: GpuContext,
  source: GoldenSource,
  signal: AbortSignal,
  onProgress: (done: number, total: number) => void,
): Promise<readonly GoldenAnswer[]> {
  const goldens = readGoldens(await source.list());
  const reasoner = await Reasoner.load(gpu, await source.model(goldens.model), { signal });
  let adapter: LoraAdapter | null = null;
  try {
    const files = await source.adapter(goldens.adapter);
    if (files === null) throw fail(`there is no adapter ${goldens.adapter}`, 'adapter');
    const { config: spec } = reasoner.model;
    const { config, weights } = await readAdapterPair(files, spec);
    adapter = LoraAdapter.create(gpu, config, spec, weights, false);
    return await askGoldens(reasoner, adapter, goldens, {
      read: (name) => source.picture(name),
      signal,
      onProgress,
    });
  } finally {
    if (!gpu.isLost()) {
      await gpu.fence();
      reasoner.destroy();
      adapter?.destroy();
    }
  }
}
