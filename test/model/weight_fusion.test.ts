// Projections that share an input, and the tensors they are made of.
import { describe, expect, it } from 'vitest';
import { fusedModules, fusionOf } from '../../src/model/weight_fusion';

describe('fusedModules', () => {
  it('names the modules of a projection', () => {
    expect(fusedModules('m.layers.0.self_attn.qkv_proj')).toEqual(
      ['q', 'k', 'v'].map((part) => `m.layers.0.self_attn.${part}_proj`),
    );
    expect(fusedModules('m.layers.0.mlp.gate_up_proj')).toEqual([
      'm.layers.0.mlp.gate_proj',
      'm.layers.0.mlp.up_proj',
    ]);
    expect(fusedModules('m.layers.0.self_attn.o_proj')).toEqual(['m.layers.0.self_attn.o_proj']);
  });
});

describe('fusionOf', () => {
  it('finds the fused weight of a part, and the parts in order of rows', () => {
    expect(fusionOf('m.layers.0.mlp.up_proj.weight')).toEqual({
      name: 'm.layers.0.mlp.gate_up_proj.weight',
      parts: ['m.layers.0.mlp.gate_proj.weight', 'm.layers.0.mlp.up_proj.weight'],
    });
    expect(fusionOf('m.layers.0.self_attn.k_proj.bias').name).toBe('m.layers.0.self_attn.qkv_proj.bias');
    expect(fusionOf('m.norm.weight')).toEqual({ name: 'm.norm.weight', parts: ['m.norm.weight'] });
  });
});
