// Layers of decode steps, fused where the device says so, against the same layers traced part by part.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { FUSED_VARIANT } from '../../../src/kernels/fused_gemv';
import { adaptedLinear } from '../../../src/model/adapted_linear';
import { LoraAdapter } from '../../../src/model/lora';
import { VisionLanguageModel } from '../../../src/model/vision_language_model';
import { fusedLinear } from '../../../src/tensor/ops/fused_linear';
import { runOnce } from '../../../src/tensor/program';
import { Trace } from '../../../src/tensor/trace';
import { noise } from '../../harness/check_op';
import { testGpu } from '../../harness/gpu';
import { fixtureModel } from '../../harness/model_fixture';
import { TINY_LORA, tinyWeights } from '../../train/tiny_run';

let gpu: GpuContext;
let model: VisionLanguageModel;
beforeAll(async () => {
  gpu = await testGpu();
  model = await VisionLanguageModel.load(
    gpu,
    fixtureModel('tiny-qwen2_5_vl', ['config.json', 'model.safetensors']),
    {
      precision: 'int8',
    },
  );
});
afterAll(async () => {
  model.destroy();
  await gpu.fence();
});

const AT = 'model.language_model.layers.1';
/** The device as if it were no software: then layers are fused. */
const hardware = () => ({
  ...gpu.traits,
  software: false,
  subgroups: false,
  disabledVariants: new Set<string>(),
});

describe('fusedLinear', () => {
  it.each([
    ['self_attn.qkv_proj', 'input_layernorm', {}],
    ['self_attn.o_proj', null, { residual: true }],
    ['mlp.gate_up_proj', 'post_attention_layernorm', { gated: true }],
    ['mlp.down_proj', null, { residual: true }],
  ] as const)(
    'is %s in one dispatch, and one for an adapter',
    async (name, norm, { residual = false, gated = false }: { residual?: boolean; gated?: boolean }) => {
      const adapter = LoraAdapter.create(gpu, TINY_LORA, model.config, tinyWeights(model, 3, 0.2), false);
      adapter.setStrength(0.5);
      for (const weights of [model.weights, adapter.applyTo(model.weights)]) {
        const matrix = weights.matrix(`${AT}.${name}.weight`);
        const [n, k] = matrix.shape;
        const run = async (traits: GpuContext['traits']) => {
          const trace = new Trace(traits);
          const x = trace.input('x', [2, k]);
          const options = {
            ...(norm ? { norm: { weight: weights.vector(`${AT}.${norm}.weight`), eps: 1e-6 } } : {}),
            ...(residual ? { residual: trace.input('residual', [2, n]) } : {}),
            gated,
          };
          const y = adaptedLinear(trace, weights, x, `${AT}.${name}.weight`, options);
          trace.output('y', y);
          const inputs = { x: noise(2 * k, 1), ...(residual ? { residual: noise(2 * n, 2) } : {}) };
          return { nodes: trace.nodes.length, y: [...(await runOnce(gpu, trace, inputs)).y!] };
        };
        const adapted = weights !== model.weights;
        const apart = { ...gpu.traits, disabledVariants: new Set([FUSED_VARIANT]) };
        const [parts, fused] = [await run(apart), await run(hardware())];
        // A software device with subgroups fuses by quads what has no adapter.
        const quads = await run(gpu.traits);
        if (gpu.traits.software && gpu.traits.subgroups) expect(quads.nodes).toBe(adapted ? parts.nodes : 1);
        // Without a norm, a gate or an adapter a product has variants of its own.
        expect(fused.nodes).toBe(adapted ? 2 : 1);
        expect(parts.nodes).toBeGreaterThan(adapted ? 2 : norm ? 1 : 0);
        const size = Math.max(...parts.y.map(Math.abs));
        for (const { y } of [fused, quads]) {
          const worst = Math.max(...parts.y.map((v, i) => Math.abs(v - y[i]!)));
          // The same sums in another order; the norm's factor comes behind the product.
          expect(worst / size).toBeLessThan(1e-5);
        }
      }
      adapter.destroy();
    },
  );

  it('leaves to its parts what it cannot do', () => {
    const weight = model.weights.matrix(`${AT}.mlp.gate_up_proj.weight`);
    const attempt = (rows: number, traits: GpuContext['traits'], requiresGrad = false) => {
      const trace = new Trace(traits);
      return fusedLinear(trace, trace.input('x', [rows, weight.shape[1]], 'f32', requiresGrad), weight, {
        gated: true,
        modules: [],
      });
    };
    expect(attempt(8, hardware())).not.toBeNull();
    expect(attempt(9, hardware())).toBeNull();
    expect(attempt(1, hardware(), true)).toBeNull();
    // Without subgroups a software device has no body that is faster than the parts.
    expect(attempt(1, { ...hardware(), software: true })).toBeNull();
    expect(attempt(1, { ...hardware(), disabledVariants: new Set([FUSED_VARIANT]) })).toBeNull();
  });
});
