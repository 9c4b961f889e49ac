// Traces the training step as programs: supervised log-probabilities with gradients of an adapter, and the
// optimiser's update. Vision tower and base weights stay frozen. Every gradient lands in one arena beside the
// adapter's, so that clipping and AdamW are one pass each.

import type { GpuContext } from '../gpu/device';
import { inScope } from '../gpu/gpu_scope';
import { adamw } from '../kernels/adamw';
import { clipChunks, clipFactor, squareSum } from '../kernels/clip';
import { grpoLoss } from '../kernels/grpo_loss';
import { decoderLayers, embedTokens, normalise } from '../model/language_model';
import type { LoraAdapter } from '../model/lora';
import type { AppliedAdapter } from '../model/merged_adapter';
import { type ModelOnDevice, traceAttention, tracePromptInputs } from '../model/prompt_program';
import type { Tap } from '../model/vision_transformer';
import { LM_HEAD } from '../model/weight_names';
import { backward, type CheckpointFormat, checkpoint } from '../tensor/autodiff';
import { gatherRows } from '../tensor/ops/embedding';
import { type TokenLogps, tokenLogps } from '../tensor/ops/token_logp';
import { Program } from '../tensor/program';
import { allocateTensor } from '../tensor/tensor_memory';
import { elementCount, externalTensor, type StoredTensor, type Tensor, type Trace } from '../tensor/trace';

/** Sizes of a training program. */
export interface TrainShape {
  /** Padded packed tokens. */
  readonly tokens: number;
  /** Supervised rows: hidden states that predict a token of a completion. */
  readonly rows: number;
}

/** Options that change the arithmetic or its cost. */
export interface TrainOptions {
  /** `sft`: dlogp is the input `weights`. `grpo`: it comes from the GRPO loss kernel. `score`: no gradient. */
  readonly objective: 'sft' | 'grpo' | 'score';
  /** Logits are divided by it. */
  readonly temperature?: number;
  /** GRPO: the old policy is the new one, at one iteration per batch; `old_logp` is then no input. */
  readonly onPolicy?: boolean;
  /** GRPO without a KL term: `ref_logp` is then no input. */
  readonly withoutReference?: boolean;
  /** Recompute each layer in the reverse instead of keeping its activations. */
  readonly checkpointLayers?: boolean;
  /** How the layers' inputs are kept until then; default f32. */
  readonly checkpointFormat?: CheckpointFormat;
  /** Rows of the MLP that are computed at once; see {@link decoderLayers}. */
  readonly sliceRows?: number;
  /** Names intermediate tensors for parity; with it `gradientTaps` lists those whose gradients become outputs. */
  readonly tap?: Tap;
  readonly gradientTaps?: readonly string[];
}

/** Gradient and moments of an adapter, in the adapter's own layout. */
export interface OptimizerState {
  readonly gradient: StoredTensor;
  readonly m: StoredTensor;
  readonly v: StoredTensor;
  destroy(): void;
}

/** Allocates zeroed gradient and moment arenas for an adapter. */
export function createOptimizerState(gpu: GpuContext, adapter: LoraAdapter): OptimizerState {
  return inScope(gpu, (scope) => {
    const arena = (name: string) => allocateTensor(scope, `adapter ${name}`, adapter.arena.shape, 'f32');
    return { gradient: arena('gradient'), m: arena('m'), v: arena('v'), destroy: () => scope.destroy() };
  });
}

/**
 * Traces the forward pass to label log-probabilities. Inputs: those of a prompt without cache, `rows` u32 [R] and
 * `labels` i32 [R] (negative: padding). Outputs: `logp`, `lse`, `entropy`, `argmax`.
 */
function traceLogps(
  trace: Trace,
  model: ModelOnDevice,
  shape: TrainShape,
  features: Tensor | undefined,
  options: TrainOptions,
): TokenLogps {
  const { config, weights } = model;
  const { text } = config;
  const inputs = tracePromptInputs(trace, text, shape.tokens, features);
  const x = embedTokens(trace, text, weights, inputs.ids, shape.tokens, inputs.images);
  const attend = traceAttention(trace, text, shape.tokens, inputs);
  const wrap = options.checkpointLayers
    ? (input: Tensor, layer: (input: Tensor) => Tensor): Tensor =>
        checkpoint(trace, [input], ([kept]) => [layer(kept as Tensor)], options.checkpointFormat)[0] as Tensor
    : undefined;
  const stream = decoderLayers(trace, config, weights, x, attend, {
    tap: options.tap,
    wrap,
    images: inputs.images,
    sliceRows: options.sliceRows,
  });
  const rows = gatherRows(trace, stream, trace.input('rows', [shape.rows], 'u32'));
  const labels = trace.input('labels', [shape.rows], 'i32');
  const hidden = normalise(trace, text, weights, rows);
  const logps = tokenLogps(trace, hidden, weights.matrix(LM_HEAD), labels, {
    temperature: options.temperature ?? 1,
  });
  for (const [name, tensor] of Object.entries(logps)) trace.output(name, tensor);
  return logps;
}

/** dlogp of the objective, as a tensor [R]. */
function traceObjective(trace: Trace, logps: TokenLogps, rows: number, options: TrainOptions): Tensor {
  const weights = trace.input('weights', [rows]);
  if (options.objective === 'sft') return weights;
  const given: [Tensor, Tensor, Tensor] = [
    options.onPolicy ? logps.logp : trace.input('old_logp', [rows]),
    options.withoutReference ? logps.logp : trace.input('ref_logp', [rows]),
    trace.input('advantages', [rows]),
  ];
  const settings = trace.input('grpo_settings', [3]);
  const terms = trace.activation('grpo terms', [rows, 4]);
  const dlogp = trace.activation('dlogp', [rows]);
  trace.emit(grpoLoss({ count: rows }, trace.traits), [
    logps.logp,
    ...given,
    weights,
    settings,
    terms,
    dlogp,
  ]);
  trace.output('grpo_terms', terms);
  trace.output('dlogp', dlogp);
  return dlogp;
}

/**
 * Log-probabilities of supervised tokens and, unless `score`, the adapter's gradient into `state.gradient`.
 * Further inputs: `weights` f32 [R] (SFT: dLoss/dlogp; GRPO: token weights), with GRPO `old_logp`, `ref_logp` (unless
 * options leave them out), `advantages` [R] and `grpo_settings` [3] = epsilon low, high, beta; output `grpo_terms` [R, 4].
 * An adapter with dropout drops unless `score`; completions that share a prefix then share the prefix's mask.
 */
export function traceTrainStep(
  trace: Trace,
  model: ModelOnDevice,
  adapter: AppliedAdapter,
  state: Pick<OptimizerState, 'gradient'>,
  shape: TrainShape,
  features: Tensor | undefined,
  options: TrainOptions,
): void {
  const purpose = options.objective === 'score' ? 'run' : 'train';
  const adapted = { ...model, weights: adapter.applyTo(model.weights, purpose) };
  const tapped = new Map<string, Tensor>();
  const tap: Tap = (name, tensor) => {
    tapped.set(name, tensor);
    options.tap?.(name, tensor);
  };
  const logps = traceLogps(
    trace,
    adapted,
    shape,
    features,
    options.gradientTaps ? { ...options, tap } : options,
  );
  if (options.objective === 'score') return;
  const dlogp = traceObjective(trace, logps, shape.rows, options);
  const parameters = adapter.tensors().map(({ tensor }) => tensor);
  const extra = (options.gradientTaps ?? []).map((name) => tapped.get(name) as Tensor);
  const into = new Map<Tensor, Tensor>(
    parameters.map((tensor) => [tensor, gradientOf(tensor, state.gradient)]),
  );
  const gradients = backward(trace, [[logps.logp, dlogp]], [...parameters, ...extra], into);
  extra.forEach((_, index) => {
    trace.output(`d ${options.gradientTaps?.[index]}`, gradients[parameters.length + index] as Tensor);
  });
}

/** Compiles {@link traceTrainStep}. */
export function buildTrainProgram(
  model: ModelOnDevice,
  adapter: AppliedAdapter,
  state: Pick<OptimizerState, 'gradient'>,
  shape: TrainShape,
  features: Tensor | undefined,
  options: TrainOptions,
): Promise<Program> {
  return Program.compile(model.gpu, `train ${options.objective} ${shape.tokens}`, (trace) =>
    traceTrainStep(trace, model, adapter, state, shape, features, options),
  );
}

/** The part of the gradient arena that belongs to an adapter tensor. */
function gradientOf(parameter: StoredTensor, gradient: StoredTensor): StoredTensor {
  const { offset, bytes } = parameter.region;
  const { buffer, offset: base } = gradient.region;
  const region = { buffer, offset: base + offset, bytes };
  return externalTensor(`d${parameter.name}`, parameter.shape, 'f32', region);
}

/**
 * Global-norm clipping and AdamW over the adapter's arena. Input `hparams` f32 [8] (see `packAdamw`); output `clip`
 * f32 [4] = factor, norm, 1 when a gradient was not finite and nothing was updated, 0.
 * @param maxNorm 0 never clips
 */
export function buildUpdateProgram(
  gpu: GpuContext,
  adapter: LoraAdapter,
  state: OptimizerState,
  maxNorm: number,
): Promise<Program> {
  const count = elementCount(adapter.arena.shape);
  return Program.compile(gpu, 'update', (trace) => {
    const hparams = trace.input('hparams', [8]);
    const partials = trace.activation('square sums', [clipChunks(count), 2]);
    const clip = trace.activation('clip', [4]);
    trace.emit(squareSum({ count }, trace.traits), [state.gradient, partials]);
    trace.emit(clipFactor({ count, maxNorm }, trace.traits), [partials, clip]);
    trace.emit(adamw({ count }, trace.traits), [
      state.gradient,
      hparams,
      clip,
      adapter.arena,
      state.m,
      state.v,
    ]);
    trace.output('clip', clip);
  });
}
