// Reads the attention of one token in every layer and head, which a decode step holds before it is reduced over heads. It
// is run again for the token that somebody looks at, as keeping it for all tokens would take layers × heads times the memory.

import type { GenerationSession } from './generation_session';
import type { PromptInput, SamplingOptions } from './prompt_packing';

/** Attention of one query in every layer and head. */
export interface HeadCapture {
  /** [layers, heads, 5] mass on each class of keys. */
  readonly masses: Float32Array;
  /** [layers, heads, image tokens] mass on each image token. */
  readonly maps: Float32Array;
}

/**
 * Attention of a given token behind a prompt and the tokens before it.
 * @param session     of one sequence, which captures the maps of all layers; prefilled anew afterwards
 * @param completion  ids behind the prompt; the last one is the query
 * @param sampling    of a token that is not read
 * @param imageTokens of the prompt
 * @throws as {@link GenerationSession.feed}
 */
export async function captureHeads(
  session: GenerationSession,
  prompt: PromptInput,
  {
    completion,
    sampling,
    imageTokens,
  }: {
    readonly completion: readonly number[];
    readonly sampling: SamplingOptions;
    readonly imageTokens: number;
  },
  signal?: AbortSignal,
): Promise<HeadCapture> {
  await session.feed(prompt, completion, sampling, signal);
  const read = (name: string) => session.decodeProgram.read(name) as Promise<Float32Array>;
  const masses = await read('head_masses');
  const padded = await read('head_maps');
  const size = session.options.maxImageTokens ?? 0;
  const rows = padded.length / size;
  const maps = new Float32Array(rows * imageTokens);
  for (let row = 0; row < rows; row++)
    maps.set(padded.subarray(row * size, row * size + imageTokens), row * imageTokens);
  return { masses, maps };
}
