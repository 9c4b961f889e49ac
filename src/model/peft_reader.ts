// Reads an adapter as PEFT writes it: adapter_config.json and adapter_model.safetensors. An adapter either fits its model
// wholly, every tensor matched by name and shape, or is refused by name. Ranks and alphas that differ by module are
// resolved here, so that nothing behind this file matches patterns.

import { ModelError } from '../lib/errors';
import { adaptableModules, type LoraConfig, type LoraWeights, loraRank } from './lora';
import { wholeNameMatcher } from './module_pattern';
import { asksForMore } from './peft_options';
import { type SafetensorsFile, toFloat32 } from './safetensors';
import type { ModelSpec } from './spec';
import { canonicalAdapterName } from './weight_names';

/** Values by pattern, in the order in which PEFT tries them. */
type PatternTable = readonly (readonly [pattern: string, value: number])[];

/** adapter_config.json with its patterns as they stand there. */
export interface ParsedLoraConfig extends Omit<LoraConfig, 'ranks' | 'alphas'> {
  readonly rankPattern: PatternTable;
  readonly alphaPattern: PatternTable;
}

/** An adapter that fits its model. */
export interface ReadLora {
  readonly config: LoraConfig;
  /** In the model's checkpoint order. */
  readonly weights: readonly LoraWeights[];
}

const MAX_RANK = 1024;
/** Characters of all patterns that are more than a name; each may be tried on every module. */
const MAX_PATTERN_CHARACTERS = 4000;

function failAt(key: string, reason: string): never {
  throw new ModelError('model/adapter', `adapter_config.json: ${key} ${reason}.`, { key });
}

function isRank(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_RANK;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function patternTable(
  config: Readonly<Record<string, unknown>>,
  key: 'rank_pattern' | 'alpha_pattern',
  isValue: (value: unknown) => value is number,
  what: string,
): PatternTable {
  const table = config[key] ?? {};
  if (typeof table !== 'object' || Array.isArray(table)) return failAt(key, 'is not an object');
  return Object.entries(table).map(([pattern, value]) => {
    if (!isValue(value)) return failAt(`${key} of ${JSON.stringify(pattern)}`, `must be ${what}`);
    return [pattern, value];
  });
}

/**
 * Reads adapter_config.json.
 * @throws ModelError `model/adapter` naming the key that is missing or asks for something else than plain LoRA
 */
export function parseLoraConfig(json: unknown): ParsedLoraConfig {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return failAt('(file)', 'is not an object');
  const config = json as Record<string, unknown>;
  if (config.peft_type !== 'LORA') failAt('peft_type', 'must be "LORA"');
  const asked = asksForMore(config);
  if (asked) failAt(asked.key, asked.reason);
  const { r, lora_alpha: loraAlpha, target_modules: targets } = config;
  if (!isRank(r)) return failAt('r', `must be a whole number from 1 to ${MAX_RANK}`);
  if (!isNumber(loraAlpha)) return failAt('lora_alpha', 'must be a number');
  const list = Array.isArray(targets) && targets.every((name) => typeof name === 'string');
  if (typeof targets !== 'string' && !list)
    failAt('target_modules', 'must be a regular expression or a list of names');
  return {
    ...{ r, loraAlpha, useRslora: config.use_rslora === true },
    baseModel: typeof config.base_model_name_or_path === 'string' ? config.base_model_name_or_path : '',
    targetModules: targets as string | string[],
    rankPattern: patternTable(config, 'rank_pattern', isRank, `a whole number from 1 to ${MAX_RANK}`),
    alphaPattern: patternTable(config, 'alpha_pattern', isNumber, 'a number'),
  };
}

/**
 * The value of the first pattern that matches a module or the end of its path behind a dot.
 * @source PEFT `utils/other.py` get_pattern_key
 */
function patternReader(key: string, table: PatternTable): (module: string) => number | undefined {
  /** Place in the table by the end of a path, and by a whole path, which begins with ^. */
  const places = new Map<string, number>();
  const tests: { readonly place: number; readonly matches: (module: string) => boolean }[] = [];
  let characters = 0;
  table.forEach(([pattern], place) => {
    // Most patterns are names. A dot that is not escaped stands for any character, but no names of modules differ in that.
    const name = /^\^?(?:\w|\\?\.)+$/.exec(pattern)?.[0].replaceAll('\\', '');
    if (name !== undefined) {
      if (!places.has(name)) places.set(name, place);
      return;
    }
    characters += pattern.length;
    const matches = wholeNameMatcher(`(?:.*\\.)?(?:${pattern})`);
    if (matches && characters <= MAX_PATTERN_CHARACTERS) tests.push({ place, matches });
    else failAt(`${key} of ${JSON.stringify(pattern.slice(0, 200))}`, 'is not understood: name the modules');
  });
  return (module) => {
    const parts = module.split('.');
    const names = [`^${module}`, ...parts.map((_, at) => parts.slice(at).join('.'))];
    const found = names.flatMap((name) => places.get(name) ?? []);
    const first = tests.find(({ matches }) => matches(module));
    const place = Math.min(...found, first?.place ?? Number.POSITIVE_INFINITY);
    return table[place]?.[1];
  };
}

interface Factor {
  /** Of its tensor. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

interface Pair {
  /** The module's path as the file spells it, which is what its maker matched patterns against. */
  readonly spelling: string;
  A?: Factor;
  B?: Factor;
}

/** Factors by canonical path of their module. */
async function readPairs(file: SafetensorsFile, model: ModelSpec): Promise<Map<string, Pair>> {
  const modules = adaptableModules(model);
  const pairs = new Map<string, Pair>();
  for (const [name, { shape, dtype }] of file.tensors) {
    const parsed = canonicalAdapterName(name, model);
    if (!parsed || !modules.has(parsed.module))
      return failTensor(file, name, 'belongs to no linear layer of this model');
    const pair = pairs.get(parsed.module) ?? { spelling: parsed.spelling };
    if (pair[parsed.factor]) failTensor(file, name, 'is there under two names');
    if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16')
      failTensor(
        file,
        name,
        `has the type ${dtype}; adapters are read as F32, F16 or BF16: save it as one of these`,
      );
    const values = toFloat32(dtype, await file.read(name));
    if (!values.every(Number.isFinite))
      failTensor(file, name, 'holds values that are not finite (NaN or infinite)');
    pair[parsed.factor] = { name, shape, values };
    pairs.set(parsed.module, pair);
  }
  if (pairs.size === 0) throw new ModelError('model/adapter', `${file.name} holds no LoRA tensors.`);
  return pairs;
}

function failTensor(file: SafetensorsFile, name: string, reason: string): never {
  throw new ModelError('model/adapter', `${file.name}: tensor "${name}" ${reason}.`, { tensor: name });
}

function checkShape(file: SafetensorsFile, { name, shape }: Factor, want: readonly [number, number]): void {
  if (shape.join() === want.join()) return;
  failTensor(file, name, `is [${shape.join(', ')}], expected [${want.join(', ')}]`);
}

/** The values of a pattern for the modules where it differs from the default; absent where there are none. */
function resolved<K extends string>(
  field: K,
  pairs: ReadonlyMap<string, Pair>,
  patternOf: (module: string) => number | undefined,
  usual: number,
): Partial<Record<K, Readonly<Record<string, number>>>> {
  const own = [...pairs].flatMap(([module, { spelling }]) => {
    const value = patternOf(spelling);
    return value === undefined || value === usual ? [] : [[module, value] as const];
  });
  return own.length === 0
    ? {}
    : ({ [field]: Object.fromEntries(own) } as Partial<Record<K, Record<string, number>>>);
}

/**
 * Reads an adapter for a model, either key style.
 * @param json adapter_config.json
 * @param file adapter_model.safetensors
 * @throws ModelError `model/adapter` naming the key, or tensors that are unknown, missing, duplicate, misshapen or not finite
 */
export async function readLora(json: unknown, file: SafetensorsFile, model: ModelSpec): Promise<ReadLora> {
  const { rankPattern, alphaPattern, ...plain } = parseLoraConfig(json);
  const ranks = patternReader('rank_pattern', rankPattern);
  const alphas = patternReader('alpha_pattern', alphaPattern);
  const pairs = await readPairs(file, model);
  const config: LoraConfig = {
    ...plain,
    ...resolved('ranks', pairs, ranks, plain.r),
    ...resolved('alphas', pairs, alphas, plain.loraAlpha),
  };
  const weights = [...adaptableModules(model)].flatMap(([module, [out, width]]) => {
    const pair = pairs.get(module);
    if (!pair) return [];
    const { A: a, B: b } = pair;
    const rank = loraRank(config, module);
    if (a) checkShape(file, a, [rank, width]);
    if (b) checkShape(file, b, [out, rank]);
    if (!a || !b) return failTensor(file, module, `lacks its lora_${a ? 'B' : 'A'}`);
    return [{ module, a: a.values, b: b.values }];
  });
  return { config, weights };
}
