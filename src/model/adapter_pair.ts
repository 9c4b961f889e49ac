// Reads the two files of a PEFT adapter against a model, for the page and every command line alike: settings, weights, and
// the fingerprint and the precision of the base where the adapter names them.

import { ModelError } from '../lib/errors';
import { PRECISION_KEY, precisionNamed } from './base_precision';
import type { LoraWeights } from './lora';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, type PeftLoraConfig } from './peft';
import { readLora } from './peft_reader';
import { parseSafetensors } from './safetensors';
import type { ModelSpec } from './spec';
import type { WeightPrecision } from './weight_layout';

/** Key of our own in adapter_config.json, which PEFT passes over: the base model's fingerprint. */
export const BASE_KEY = 'lookback_base_sha256';

/** An adapter that fits its model. */
export interface AdapterPair {
  readonly config: PeftLoraConfig;
  readonly weights: readonly LoraWeights[];
  /** SHA-256 of the weights that it was made for; null where it does not say. */
  readonly base: string | null;
  /** How those weights were kept when it was trained; null where it does not say. */
  readonly precision: WeightPrecision | null;
}

/**
 * Reads a pair.
 * @param files bytes of adapter_config.json and adapter_model.safetensors
 * @throws ModelError `model/adapter` naming the key or tensor, with the name of its base model as `baseModel` where the
 *   settings hold one
 */
export async function readAdapterPair(
  files: { readonly config: Uint8Array; readonly weights: Uint8Array },
  model: ModelSpec,
): Promise<AdapterPair> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(files.config));
  } catch {
    throw new ModelError('model/adapter', `${ADAPTER_CONFIG} is not valid JSON.`);
  }
  const stated = Object(json) as Record<string, unknown>;
  try {
    const { lora_dropout: dropout, [BASE_KEY]: base } = stated;
    const file = await parseSafetensors(ADAPTER_WEIGHTS, files.weights);
    const { config, weights } = await readLora(json, file, model);
    const loraDropout = typeof dropout === 'number' && dropout >= 0 && dropout < 1 ? dropout : 0;
    return {
      config: { ...config, loraDropout },
      weights,
      base: typeof base === 'string' ? base : null,
      precision: precisionNamed(stated[PRECISION_KEY]),
    };
  } catch (error) {
    // What is wrong with its container is wrong with the adapter, not with the model.
    if (!(error instanceof ModelError)) throw error;
    const { base_model_name_or_path: name } = stated;
    const made = typeof name === 'string' && name !== '' ? { baseModel: name.slice(0, 200) } : {};
    throw new ModelError('model/adapter', error.message, { ...error.data, ...made }, error);
  }
}
