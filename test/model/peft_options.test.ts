// Which keys of adapter_config.json ask for more than plain LoRA, by the fields of PEFT 0.21.
import { describe, expect, it } from 'vitest';
import { asksForMore } from '../../src/model/peft_options';

describe('asksForMore', () => {
  it.each<[string, unknown]>([
    ...['pissa', 'pissa_niter_16', 'olora', 'corda', 'loftq', 'eva', 'lora_ga'].map(
      (way): [string, unknown] => ['init_lora_weights', way],
    ),
    ['alora_invocation_tokens', [1, 2]],
    ['use_qalora', true],
    ['use_bdlora', { target_modules_bd_a: ['q_proj'] }],
    ['arrow_config', { top_k: 3 }],
    ['kasa_config', { beta: 1 }],
    ['velora_config', { num_groups: 8 }],
    ['monteclora_config', { num_samples: 4 }],
    ['megatron_config', { a: 1 }],
    ['use_dora', true],
    ['bias', 'all'],
    ['lora_bias', true],
    ['fan_in_fan_out', true],
    ['modules_to_save', ['lm_head']],
    ['layer_replication', [[0, 4]]],
    ['target_parameters', ['experts']],
    ['trainable_token_indices', [3]],
    ['use_something_new', true],
    ['something_config', { a: 1 }],
  ])('names %s = %j', (key, value) => {
    expect(asksForMore({ peft_type: 'LORA', r: 8, [key]: value })).toMatchObject({ key });
  });

  it('passes what is empty, what has no effect, and what is our own', () => {
    const plain = {
      ...{ peft_type: 'LORA', r: 8, lora_alpha: 16, lora_dropout: 0.1, use_rslora: true, bias: 'none' },
      ...{
        modules_to_save: [],
        rank_pattern: { q_proj: 2 },
        alpha_pattern: null,
        layer_replication: [],
        use_dora: false,
      },
      ...{
        target_parameters: [],
        trainable_token_indices: {},
        alora_invocation_tokens: null,
        use_qalora: false,
      },
      ...{
        loftq_config: { loftq_bits: 4 },
        eva_config: null,
        qalora_group_size: 16,
        megatron_core: 'megatron.core',
      },
      ...{ layers_to_transform: [0, 1], exclude_modules: '.*visual.*', runtime_config: { a: 1 } },
      ...{
        something_new: null,
        another: [],
        third: '',
        lookback_base_sha256: 'ab',
        auto_mapping: { a: 'b' },
      },
    };
    for (const way of [true, false, null, 'gaussian', 'orthogonal'])
      expect(asksForMore({ ...plain, init_lora_weights: way })).toBeNull();
  });
});
