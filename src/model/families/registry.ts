// Lists the families of models that the engine knows, and finds the one of a config.json.
import { ModelError } from '../../lib/errors';
import type { ModelFamily } from './family';
import { QWEN2_5_VL } from './qwen2_5_vl';
import { QWEN2_VL } from './qwen2_vl';
import { QWEN3_VL } from './qwen3_vl';
import { SMOLVLM } from './smolvlm';

const FAMILIES: readonly ModelFamily[] = [QWEN2_5_VL, QWEN2_VL, QWEN3_VL, SMOLVLM];

/**
 * The family of a `model_type`.
 * @throws ModelError `model/unsupported` listing what there is
 */
export function familyOf(modelType: string, file: string): ModelFamily {
  const family = FAMILIES.find(({ modelTypes }) => modelTypes.includes(modelType));
  if (family) return family;
  const known = FAMILIES.flatMap(({ modelTypes }) => modelTypes).join(', ');
  const message = `${file}: model_type "${modelType}" is not supported; supported: ${known}`;
  throw new ModelError('model/unsupported', message, { file, modelType });
}
