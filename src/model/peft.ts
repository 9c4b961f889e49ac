// Writes adapters as PEFT reads them: adapter_config.json and adapter_model.safetensors. What is written here,
// peft_reader.ts reads back bit for bit, and PEFT from 0.17 on loads with every key matched; it would load wrong keys
// silently, as an adapter that does nothing. Format: huggingface/peft, LoraConfig and save_pretrained.

import { ModelError } from '../lib/errors';
import { formatShape } from '../lib/format';
import { type LoraConfig, type LoraWeights, loraRank } from './lora';
import { wholeNameMatcher } from './module_pattern';
import { type TensorData, writeSafetensors } from './safetensors';

/** Settings of an adapter that is to be written. */
export interface PeftLoraConfig extends LoraConfig {
  /** Of its training; nothing is dropped when the adapter is used. */
  readonly loraDropout: number;
}

/** File name of an adapter's settings. */
export const ADAPTER_CONFIG = 'adapter_config.json';
/** File name of an adapter's weights. */
export const ADAPTER_WEIGHTS = 'adapter_model.safetensors';

/** The part of a model that training leaves alone, by the name that its text decoder has in the same model. */
interface UntrainedPart {
  readonly text: string;
  /** Linear layers as PEFT names them, one of each kind. */
  readonly modules: readonly string[];
  /** What keeps PEFT from all of them. */
  readonly exclude: string;
}

const UNTRAINED: readonly UntrainedPart[] = [
  {
    text: 'model.language_model.',
    exclude: '.*visual.*',
    modules: [
      ...['attn.qkv', 'attn.proj', 'mlp.gate_proj', 'mlp.up_proj', 'mlp.down_proj'].map(
        (name) => `model.visual.blocks.0.${name}`,
      ),
      ...['mlp.fc1', 'mlp.fc2', 'mlp.linear_fc1', 'mlp.linear_fc2'].map(
        (name) => `model.visual.blocks.0.${name}`,
      ),
      ...['mlp.0', 'mlp.2', 'linear_fc1', 'linear_fc2'].map((name) => `model.visual.merger.${name}`),
      ...['linear_fc1', 'linear_fc2'].map((name) => `model.visual.deepstack_merger_list.0.${name}`),
    ],
  },
  {
    text: 'model.text_model.',
    exclude: '.*(vision_model|connector).*',
    modules: [
      ...['q_proj', 'k_proj', 'v_proj', 'out_proj'].map(
        (name) => `model.vision_model.encoder.layers.0.self_attn.${name}`,
      ),
      ...['fc1', 'fc2'].map((name) => `model.vision_model.encoder.layers.0.mlp.${name}`),
      'model.connector.modality_projection.proj',
    ],
  },
];

/** What target_modules and exclude_modules say of an adapter. */
interface Targets {
  readonly target: string | readonly string[];
  readonly exclude: string | null;
}

/**
 * What leads PEFT to the modules of an adapter and no others. One that changes more than the text decoder names each of its
 * modules in full; for the others the targets stand as they are, and where they would reach the rest of the model, that is
 * excluded. An expression that is not understood might reach it.
 */
function peftTargets(targets: LoraConfig['targetModules'], adapted: readonly string[]): Targets {
  const part = UNTRAINED.find(({ text }) => adapted.every((module) => module.startsWith(text)));
  if (!part) return { target: adapted, exclude: null };
  return { target: targets, exclude: reaches(targets, part) ? part.exclude : null };
}

function reaches(targets: LoraConfig['targetModules'], part: UntrainedPart): boolean {
  if (typeof targets !== 'string')
    return part.modules.some((module) => targets.some((name) => `.${module}`.endsWith(`.${name}`)));
  const matches = wholeNameMatcher(targets);
  return matches === null || part.modules.some(matches);
}

/**
 * Text of adapter_config.json: the keys of PEFT 0.17, sorted, by which any later version knows plain LoRA. It leads
 * PEFT to the adapted modules alone: to others it would add layers that no file fills.
 * @param adapted canonical paths of the modules that the adapter has
 */
export function writeAdapterConfig(config: PeftLoraConfig, adapted: readonly string[]): string {
  const { target, exclude } = peftTargets(config.targetModules, adapted);
  const json: Record<string, unknown> = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: config.baseModel,
    r: config.r,
    lora_alpha: config.loraAlpha,
    lora_dropout: config.loraDropout,
    use_rslora: config.useRslora,
    target_modules: typeof target === 'string' ? target : [...target].sort(),
    exclude_modules: exclude,
    inference_mode: true,
    ...{ bias: 'none', fan_in_fan_out: false, init_lora_weights: true, modules_to_save: null },
    ...{ use_dora: false, use_qalora: false, qalora_group_size: 16, lora_bias: false },
    ...{ rank_pattern: config.ranks ?? {}, alpha_pattern: config.alphas ?? {} },
    ...{ layers_to_transform: null, layers_pattern: null, layer_replication: null },
    ...{ target_parameters: null, trainable_token_indices: null },
    ...{ auto_mapping: null, revision: null, loftq_config: {}, eva_config: null, corda_config: null },
    ...{ megatron_config: null, megatron_core: 'megatron.core' },
    peft_version: '0.17.0',
  };
  const sorted = Object.fromEntries(Object.entries(json).sort(([a], [b]) => (a < b ? -1 : 1)));
  return JSON.stringify(sorted, null, 2);
}

/**
 * Bytes of adapter_model.safetensors, f32, under the names that transformers has had since 4.52.
 * @param weights A [r, in] and B [out, r] of each module
 * @throws ModelError `model/adapter` naming a module whose factors do not have its rank
 */
export function writeAdapterWeights(
  weights: readonly LoraWeights[],
  config: Pick<LoraConfig, 'r' | 'ranks'>,
): Uint8Array<ArrayBuffer> {
  const tensors = weights.flatMap(({ module, a, b }) => {
    const r = loraRank(config, module);
    const [width, out] = [a.length / r, b.length / r];
    const factor = (part: string, data: Float32Array, shape: [number, number]): TensorData => {
      if (!shape.every((size) => Number.isInteger(size) && size > 0))
        throw new ModelError('model/adapter', `${module}: lora_${part} is no ${formatShape(shape)} matrix.`, {
          module,
        });
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      return { name: `base_model.model.${module}.lora_${part}.weight`, dtype: 'F32', shape, bytes };
    };
    return [factor('A', a, [r, width]), factor('B', b, [out, r])];
  });
  return writeSafetensors(tensors, { format: 'pt' });
}
