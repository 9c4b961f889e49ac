// Says when an adapter is used over weights of another precision than those it was trained over. What it learnt makes up
// for their rounding, too; over others it still works, as a rule a little worse, so that this is a caution and no error.

import { WEIGHT_PRECISIONS, type WeightPrecision } from './weight_layout';

/** Key of our own in adapter_config.json, which PEFT passes over: how the base's weights were kept in training. */
export const PRECISION_KEY = 'lookback_base_precision';

/** A precision by name; null for anything else, as files are not ours. */
export function precisionNamed(value: unknown): WeightPrecision | null {
  return WEIGHT_PRECISIONS.find((precision) => precision === value) ?? null;
}

/** Wider formats keep a checkpoint's values, or all but the last bits of them: they count as one. */
function quantised(precision: WeightPrecision): 'int8' | 'int4' | null {
  return precision === 'int8' || precision === 'int4' ? precision : null;
}

const WORDS = { int8: 'weights of 8 bits (int8)', int4: 'weights of 4 bits (int4)' } as const;

function words(format: 'int8' | 'int4' | null): string {
  return format === null ? 'weights that are not quantised' : WORDS[format];
}

/**
 * A sentence on what to expect of an adapter.
 * @param made what it was trained over; null where it does not say
 * @param used what it is used over
 * @returns null when both are the same, or the one is not known
 */
export function precisionCaution(made: WeightPrecision | null, used: WeightPrecision): string | null {
  if (made === null) return null;
  const [before, now] = [quantised(made), quantised(used)];
  if (before === now) return null;
  const other = before === null ? 'in bf16' : `in ${before}`;
  return `The adapter was trained over ${words(before)} and is used over ${words(now)}: its answers may be less good. Load the model ${other} for what it was trained over.`;
}
