// Reads a model folder's configuration files: config.json into a spec and preprocessor_config.json into an image
// processor, each by the model's family, and generation_config.json. A needed key that is missing is an error that names it,
// because the libraries' own defaults differ between versions (exceptions stand beside the code); settings that the engine
// does not implement are refused.
import type { PromptImageProcessor } from '../data/image/prompt_image';
import { configReader, idList, optionalId } from './families/family';
import { familyOf } from './families/registry';
import type { ModelSpec } from './spec';

/** Defaults for sampling as transformers applies them to keys that the file omits. */
export interface GenerationConfig {
  readonly doSample: boolean;
  readonly temperature: number;
  /** 0 = off. */
  readonly topK: number;
  /** 1 = off. */
  readonly topP: number;
  /** 0 = off. */
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly eosTokenIds: readonly number[];
  readonly padTokenId: number | null;
  readonly bosTokenId: number | null;
}

/**
 * Parses a config.json, flat or nested. Throws ModelError `model/unsupported` for a model_type the engine does not
 * know and `model/config` for a missing or inconsistent key; `file` is used in messages.
 */
export function parseModelConfig(json: unknown, file = 'config.json'): ModelSpec {
  const root = configReader(json, file);
  const family = familyOf(root.string('model_type'), file);
  if (root.has('quantization_config'))
    root.fail('quantization_config', 'is not supported: load unquantised weights');
  return family.readSpec(root);
}

/**
 * Makes the image processor that a preprocessor_config.json (or a processor_config.json that nests it) describes. Throws
 * ModelError `model/config` naming a key that is missing, not supported, or at odds with the model's vision tower.
 */
export function parseImageProcessor(
  json: unknown,
  model: ModelSpec,
  file = 'preprocessor_config.json',
): PromptImageProcessor {
  const outer = configReader(json, file);
  const root = outer.has('image_processor') ? outer.object('image_processor') : outer;
  return familyOf(model.modelType, file).readImages(root, model);
}

/**
 * Parses a generation_config.json. Keys that are absent take what transformers applies at generation: greedy,
 * temperature 1, top_k 50, top_p 1, penalty 1. Without an eos id the model config's ids are used.
 */
export function parseGenerationConfig(
  json: unknown,
  model: ModelSpec,
  file = 'generation_config.json',
): GenerationConfig {
  const root = configReader(json, file);
  const number = (key: string, fallback: number): number => (root.has(key) ? root.number(key) : fallback);
  const config: GenerationConfig = {
    doSample: root.has('do_sample') ? root.boolean('do_sample') : false,
    temperature: number('temperature', 1),
    topK: root.has('top_k') ? root.integer('top_k') : 50,
    topP: number('top_p', 1),
    minP: number('min_p', 0),
    repetitionPenalty: number('repetition_penalty', 1),
    eosTokenIds: root.has('eos_token_id') ? idList(root, 'eos_token_id') : model.eosTokenIds,
    padTokenId: optionalId(root, 'pad_token_id') ?? model.padTokenId,
    bosTokenId: optionalId(root, 'bos_token_id') ?? model.bosTokenId,
  };
  if (config.temperature < 0) root.fail('temperature', 'must not be negative');
  if (config.topP < 0 || config.topP > 1) root.fail('top_p', 'must be in [0, 1]');
  if (config.minP < 0 || config.minP > 1) root.fail('min_p', 'must be in [0, 1]');
  if (config.repetitionPenalty <= 0) root.fail('repetition_penalty', 'must be positive');
  return config;
}
