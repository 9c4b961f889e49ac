// Trains the small GPT of train_gpt.ts by jax-js: forward, backward and AdamW in one jit-compiled function.

import {
  adamwRates,
  adamwStep,
  type Jax,
  type JaxArray,
  type JaxTrainState,
  type JaxTree,
  rmsNorm,
  rotate,
  useWebgpu,
} from './jax';
import { transposed } from './peer_weights';
import { GPT, GPT_ADAMW, type GptTrainer, gptBatch, gptRotary, gptWeights } from './train_gpt';

function layer(jax: Jax, p: (name: string) => JaxArray, x: JaxArray, cos: JaxArray, sin: JaxArray): JaxArray {
  const { numpy: np, nn } = jax;
  const { tokens, width, heads, headSize } = GPT;
  const qkv = np.matmul(rmsNorm(jax, x.ref, p('norm1'), GPT.eps), p('qkv'));
  const [q, k, v] = np.split(qkv, 3, -1).map((part) => part.reshape([tokens, heads, headSize])) as [
    JaxArray,
    JaxArray,
    JaxArray,
  ];
  const turned = rotate(jax, k, cos.ref, sin.ref);
  const options = { scale: headSize ** -0.5, isCausal: true };
  const out = nn.dotProductAttention(rotate(jax, q, cos, sin), turned, v, options);
  const attended = x.add(np.matmul(out.reshape([tokens, width]), p('o')));
  const gateUp = np.matmul(rmsNorm(jax, attended.ref, p('norm2'), GPT.eps), p('gate_up'));
  const [gate, up] = np.split(gateUp, 2, -1) as [JaxArray, JaxArray];
  return attended.add(np.matmul(nn.silu(gate).mul(up), p('down')));
}

/** Mean cross-entropy of the batch. Rows of the table and labels are one-hot products: they differentiate fastest. */
function loss(
  jax: Jax,
  weights: JaxTree,
  ids: JaxArray,
  labels: JaxArray,
  cos: JaxArray,
  sin: JaxArray,
): JaxArray {
  const { numpy: np, nn } = jax;
  const weight = (name: string): JaxArray => weights[name] as JaxArray;
  const table = weight('embedding');
  let x = np.matmul(nn.oneHot(ids, GPT.vocab), table.ref);
  for (let index = 0; index < GPT.layers; index++)
    x = layer(jax, (name) => weight(`${index}.${name}`), x, cos.ref, sin.ref);
  cos.dispose();
  sin.dispose();
  const logits = np.matmul(rmsNorm(jax, x, weight('norm'), GPT.eps), np.matrixTranspose(table));
  const logp = nn.logSoftmax(logits, -1).mul(nn.oneHot(labels, GPT.vocab));
  return logp.sum().mul(-1 / GPT.tokens);
}

function compileStep(jax: Jax) {
  return jax.jit(
    (weights: JaxTree, m: JaxTree, v: JaxTree, batch: JaxArray[], tables: JaxArray[], rates: JaxArray[]) => {
      const kept = Object.fromEntries(Object.entries(weights).map(([name, array]) => [name, array.ref]));
      const [value, gradients] = jax.valueAndGrad(
        (w: JaxTree, i: JaxArray, l: JaxArray, c: JaxArray, s: JaxArray) => loss(jax, w, i, l, c, s),
      )(kept, ...batch, ...tables);
      const next = adamwStep(jax, { weights, m, v }, gradients, rates, GPT_ADAMW);
      return [value, next.weights, next.m, next.v] as const;
    },
  );
}

/** Their trainer on their own device. @throws Error when the library finds no WebGPU */
export async function openJaxGpt(jax: Jax): Promise<GptTrainer> {
  const { numpy: np } = jax;
  await useWebgpu(jax);
  let state: JaxTrainState = { weights: {}, m: {}, v: {} };
  for (const { name, shape, data } of gptWeights()) {
    const [out = 1, width = 1] = shape;
    const plain = name === 'embedding' || shape.length === 1;
    const size = plain ? shape : [width, out];
    state.weights[name] = np.array(plain ? data : transposed(data, out, width)).reshape(size);
    state.m[name] = np.zeros(size);
    state.v[name] = np.zeros(size);
  }
  const rotary = gptRotary();
  const half = GPT.headSize / 2;
  const tables = [rotary.cos, rotary.sin].map((table) => np.array(table).reshape([GPT.tokens, 1, half]));
  const run = compileStep(jax);
  const { ids, labels } = gptBatch();
  let steps = 0;
  const step = async (): Promise<number> => {
    steps++;
    const batch = [Int32Array.from(ids), labels].map((values) => np.array(values, { dtype: np.int32 }));
    const [value, weights, m, v] = run(
      ...([state.weights, state.m, state.v, batch] as const),
      tables.map((table) => table.ref),
      adamwRates(jax, GPT_ADAMW, steps),
    );
    state = { weights, m, v };
    const [result = Number.NaN] = await value.data();
    await jax.blockUntilReady(state.weights);
    return result;
  };
  return { step, destroy: () => undefined };
}
