// Runs the page half of the peers bench, for the driver outside (tools/bench_peers.ts): products, whole models and training steps by
// us and by another library, in turns on one page and one adapter, with results compared.

import { acquireDevice } from '../../src/gpu/device';
import { type Jax, loadJax } from './jax';
import type { PeerPrecision } from './onnx_decoder';
import { loadOrt, type Ort } from './ort';
import { openJaxDecoding, openJaxLora } from './peer_jax';
import { openOurLora } from './peer_lora';
import { openOnnx, openOurs, type PeerWork } from './peer_models';
import { measureProduct, type PeerProduct, type ProductTimes } from './peer_products';
import { peerTextModel } from './peer_weights';
import { randomWords } from './train_shared';
import { inTurns, type PeerTimes } from './turns';

/** A pass of the text model. */
export interface PeerPass {
  readonly peer: 'onnx' | 'jax';
  readonly layers: number;
  readonly precision: PeerPrecision;
  readonly work: PeerWork;
}

/** Times of passes or steps. */
export interface ModelTimes extends PeerTimes {
  /** Parameters of the text model. */
  readonly parameters: number;
  /** Until the first call was done, weights and compiling included. */
  readonly firstMs: { readonly ours: number; readonly peer: number };
  /** Of passes: largest difference of a logit over the largest logit; of steps: of a loss over the loss. */
  readonly difference: number;
  /** Losses of steps, ours and the peer's. */
  readonly losses?: readonly (readonly [number, number])[];
}

declare global {
  interface Window {
    peersReady: boolean;
    /** Adapter of our device. */
    peersAdapter: string;
    measureProduct(product: PeerProduct, rounds: number): Promise<ProductTimes>;
    measurePass(pass: PeerPass, rounds: number): Promise<ModelTimes>;
    measureLora(layers: number, rounds: number): Promise<ModelTimes>;
  }
}

const gpu = await acquireDevice();
let ort: Promise<Ort> | undefined;
let jax: Promise<Jax> | undefined;
const onnxRuntime = (): Promise<Ort> => {
  ort ??= loadOrt();
  return ort;
};
const jaxJs = (): Promise<Jax> => {
  jax ??= loadJax();
  return jax;
};

async function timed<T>(work: () => Promise<T>): Promise<readonly [number, T]> {
  const began = performance.now();
  const result = await work();
  return [performance.now() - began, result];
}

/** Largest difference over the largest value. @throws Error for a value that is not finite */
function differenceOf(ours: Float32Array, theirs: Float32Array): number {
  if (ours.length !== theirs.length) throw new Error(`${ours.length} logits beside ${theirs.length}.`);
  let [most, worst] = [0, 0];
  ours.forEach((value, at) => {
    most = Math.max(most, Math.abs(value));
    worst = Math.max(worst, Math.abs(value - (theirs[at] as number)));
  });
  if (!(most > 0) || Number.isNaN(worst)) throw new Error('The logits are no numbers.');
  return worst / most;
}

async function measurePass({ peer, layers, precision, work }: PeerPass, rounds: number): Promise<ModelTimes> {
  const model = peerTextModel(layers);
  const ids = randomWords({ config: model.spec }, 'keys' in work ? 1 : work.prompt, 5);
  const [oursMs, [ours, logits]] = await timed(async () => {
    const opened = await openOurs(gpu, model, precision, work);
    return [opened, await opened.run(ids)] as const;
  });
  const openPeer = async () => {
    if (peer === 'onnx') return openOnnx(await onnxRuntime(), model, precision, work);
    if (!('keys' in work)) throw new Error('jax-js decodes here and reads no prompts.');
    return openJaxDecoding(await jaxJs(), model, work.keys);
  };
  const [peerMs, [theirs, theirLogits]] = await timed(async () => {
    const opened = await openPeer();
    return [opened, await opened.run(ids)] as const;
  });
  const difference = differenceOf(logits, theirLogits);
  const times = await inTurns({ ours: () => ours.run(ids), peer: () => theirs.run(ids) }, rounds);
  await ours.destroy();
  await theirs.destroy();
  const firstMs = { ours: oursMs, peer: peerMs };
  return { ...times, parameters: model.parameters, firstMs, difference };
}

async function measureLora(layers: number, rounds: number): Promise<ModelTimes> {
  const model = peerTextModel(layers);
  const losses: [number[], number[]] = [[], []];
  const [oursMs, ours] = await timed(async () => {
    const opened = await openOurLora(gpu, model);
    losses[0].push(await opened.step());
    return opened;
  });
  const [peerMs, theirs] = await timed(async () => {
    const opened = await openJaxLora(await jaxJs(), model);
    losses[1].push(await opened.step());
    return opened;
  });
  const times = await inTurns(
    {
      ours: async () => losses[0].push(await ours.step()),
      peer: async () => losses[1].push(await theirs.step()),
    },
    rounds,
  );
  ours.destroy();
  theirs.destroy();
  const pairs = losses[0].map((loss, step) => [loss, losses[1][step] ?? Number.NaN] as const);
  const difference = Math.max(...pairs.map(([a, b]) => Math.abs(a - b) / a));
  const firstMs = { ours: oursMs, peer: peerMs };
  return { ...times, parameters: model.parameters, firstMs, difference, losses: pairs };
}

window.peersAdapter = gpu.traits.description;
window.measureProduct = async (product, rounds) => measureProduct(gpu, await onnxRuntime(), product, rounds);
window.measurePass = measurePass;
window.measureLora = measureLora;
window.peersReady = true;
