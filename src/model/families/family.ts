// Says what a family of models brings: readers of its configuration files. To add a family, write one file beside this
// one that exports a ModelFamily, and list it in registry.ts. `readSpec` reads every key that changes the result,
// demands those whose defaults differ between library versions, and refuses values that the engine does not compute;
// names of tensors are data of the spec it returns (weight_names.ts derives the whole list from it). `readImages` makes
// the image processor from preprocessor_config.json. What the spec cannot say yet is a new field of spec.ts, with its
// meaning in the tower, the decoder or the connector, and its test there.
import type { QwenImageConfig } from '../../data/image/image_processor';
import type { PromptImageProcessor } from '../../data/image/prompt_image';
import { ModelError } from '../../lib/errors';
import { JsonReader } from '../../lib/json_reader';
import type { ModelSpec } from '../spec';

/** Readers of one family's files. */
export interface ModelFamily {
  /** Values of `model_type` in config.json that this family reads. */
  readonly modelTypes: readonly string[];
  /**
   * config.json, flat or nested.
   * @throws ModelError `model/config` naming the key that is missing, inconsistent or not supported
   */
  readSpec(root: JsonReader): ModelSpec;
  /**
   * preprocessor_config.json, or processor_config.json's part of it.
   * @throws ModelError `model/config` naming the key; also where it does not fit the vision tower
   */
  readImages(root: JsonReader, spec: ModelSpec): PromptImageProcessor;
}

/** A reader of a configuration file whose errors are ModelError `model/config`. */
export function configReader(json: unknown, file: string): JsonReader {
  return new JsonReader(json, file, (message, key) => new ModelError('model/config', message, { file, key }));
}

/** An id that the file may leave out. */
export function optionalId(json: JsonReader, key: string): number | null {
  return json.has(key) ? json.integer(key) : null;
}

/** A list of ids, or one alone, or none. */
export function idList(json: JsonReader, key: string): number[] {
  if (!json.has(key)) return [];
  return Array.isArray(json.raw(key)) ? json.integers(key) : [json.integer(key)];
}

/** The value of a key that must be one of some words; the error lists them. */
export function oneOfWords<T extends string>(json: JsonReader, key: string, words: readonly T[]): T {
  const found = json.string(key);
  const word = words.find((candidate) => candidate === found);
  if (word === undefined)
    json.fail(key, `must be ${words.map((name) => `"${name}"`).join(' or ')}, not "${found}"`);
  return word;
}

/** Refuses a switch that is on where the engine computes only what it is off for. */
export function requireOff(json: JsonReader, key: string): void {
  if (json.has(key) && json.boolean(key)) json.fail(key, 'is not supported');
}

/** Released files say `in_chans`, later ones `in_channels` or `num_channels`, some none; the engine knows RGB only. */
export function readChannels(vision: JsonReader): number {
  for (const key of ['in_channels', 'in_chans', 'num_channels']) {
    if (vision.has(key) && vision.integer(key) !== 3) vision.fail(key, 'must be 3 (RGB)');
  }
  return 3;
}

/** The part of preprocessor_config.json that all processors share: normalisation, and that the pipeline is the usual one. */
export function readNormalisation(
  root: JsonReader,
): Pick<QwenImageConfig, 'imageMean' | 'imageStd' | 'rescaleFactor'> {
  for (const key of ['do_resize', 'do_rescale', 'do_normalize', 'do_convert_rgb']) {
    if (root.has(key) && !root.boolean(key))
      root.fail(key, 'must be true: other pipelines are not implemented');
  }
  const triple = (key: string): [number, number, number] => root.numbers(key, 3) as [number, number, number];
  const std = triple('image_std');
  if (std.some((value) => value <= 0)) root.fail('image_std', 'must be positive');
  return {
    imageMean: triple('image_mean'),
    imageStd: std,
    // 1/255 is what the released files omit or spell out.
    rescaleFactor: root.has('rescale_factor') ? root.number('rescale_factor', true) : 1 / 255,
  };
}
