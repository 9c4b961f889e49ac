// Decides which keys of PEFT's adapter_config.json change what an adapter computes, so that one that is more than plain
// LoRA is refused by name and never applied as something else. The keys are those of PEFT 0.21 (LoraConfig and
// PeftConfigMixin); an unknown key of a later version is refused unless it is empty, for it may change the arithmetic.

/** Keys that change nothing about the result once the tensors are given, whatever their value. */
const WITHOUT_EFFECT = new Set([
  // Read elsewhere, with checks of their own.
  ...[
    'peft_type',
    'r',
    'lora_alpha',
    'rank_pattern',
    'alpha_pattern',
    'use_rslora',
    'target_modules',
    'base_model_name_or_path',
    'lora_dropout',
  ],
  // About the file and its making.
  ...['task_type', 'auto_mapping', 'revision', 'peft_version', 'inference_mode', 'runtime_config'],
  // Which modules were wrapped: the tensors say so themselves.
  ...['exclude_modules', 'layers_to_transform', 'layers_pattern'],
  // Settings of ways to begin; what they did to the base shows in `init_lora_weights`.
  ...['loftq_config', 'eva_config', 'corda_config', 'lora_ga_config'],
  // Settings of methods that another key switches on.
  ...['megatron_core', 'qalora_group_size', 'ensure_weight_tying'],
]);

/**
 * Ways to begin that leave the base as it is: random A, or random A and B. All others (pissa, olora, corda, loftq,
 * lora_ga, …) change the base's weights, so that the adapter means nothing on the base as it was published; eva changes
 * ranks and scales.
 */
const PLAIN_BEGINNINGS: readonly unknown[] = [true, false, null, 'gaussian', 'orthogonal'];

/** Whether a value switches nothing on. */
function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** The first key of a config that asks for more than plain LoRA, with the reason; null for plain LoRA. */
export function asksForMore(
  config: Readonly<Record<string, unknown>>,
): { readonly key: string; readonly reason: string } | null {
  for (const [key, value] of Object.entries(config)) {
    if (WITHOUT_EFFECT.has(key) || key.startsWith('lookback_')) continue;
    if (key === 'init_lora_weights') {
      if (PLAIN_BEGINNINGS.includes(value)) continue;
      const reason = `is ${JSON.stringify(value)}, which acts on another base: convert the adapter with PEFT (save_pretrained with path_initial_model_for_weight_conversion)`;
      return { key, reason };
    }
    if (isEmpty(value) || (key === 'bias' && value === 'none')) continue;
    return { key, reason: 'asks for something this engine does not do' };
  }
  return null;
}
