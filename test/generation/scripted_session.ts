// A session that answers from a script, for tests of everything above the model: no GPU, no weights.
// It keeps the contract of GenerationSession: step n carries the attention of token n − 1.

import type { StreamDecoder } from '../../src/data/text/stream_decoder';
import type { ContinuedSource } from '../../src/generation/generate';
import type { StepResult } from '../../src/model/session_state';

/** What the scripted session says. */
export interface Script {
  /** Ids of each sequence; after its last the sequence repeats 0. */
  readonly ids: readonly (readonly number[])[];
  readonly batch?: number;
  /** [layers, 5] masses of the query of token `token` of sequence `sequence`. */
  readonly masses?: (sequence: number, token: number) => readonly number[];
  /** [mapLayers, mapSize] of the same query. */
  readonly map?: (sequence: number, token: number) => readonly number[];
  /** Called before each step; may throw. */
  readonly onStep?: (step: number) => void | Promise<void>;
}

/** A session that follows a script. */
export function scriptedSession(script: Script): ContinuedSource & { steps: number } {
  const batch = script.batch ?? script.ids.length;
  const rows = (
    values: ((sequence: number, token: number) => readonly number[]) | undefined,
    token: number,
  ) => values && Float32Array.from(Array.from({ length: batch }, (_, b) => values(b, token)).flat());
  const result = (step: number): StepResult => {
    const ids = Uint32Array.from({ length: batch }, (_, b) => script.ids[b]?.[step] ?? 0);
    const done = Array.from({ length: batch }, (_, b) => step + 1 >= (script.ids[b]?.length ?? 0));
    const shares = step === 0 ? undefined : rows(script.masses, step - 1);
    const map = step === 0 ? undefined : rows(script.map, step - 1);
    return { step, ids, done, ...(shares ? { shares } : {}), ...(map ? { map } : {}) };
  };
  const begin = async (): Promise<StepResult> => {
    await script.onStep?.(0);
    return result(0);
  };
  const session = {
    steps: 0,
    prefill: begin,
    prefillContinued: begin,
    step: async (): Promise<StepResult> => {
      session.steps++;
      await script.onStep?.(session.steps);
      return result(session.steps);
    },
  };
  return session;
}

/** Decodes ids as indices into `words`, each with its own spacing. */
export function wordDecoder(words: readonly string[]): StreamDecoder {
  return { push: (id) => words[id] ?? '', end: () => '' };
}

/** A request whose prompt no scripted session reads. */
export function anyRequest(maxNewTokens: number, imageTokens = 4) {
  return {
    prompt: { inputIds: [1], images: [] },
    imageTokens,
    sampling: { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 0, maxNewTokens },
  };
}
