// Command line: asks a model a question about pictures and streams the answer. `npm run ask -- --image FILE …`
// It runs the page's engine in Node. stdout holds the answer's text, or with --json one line of JSON; everything else
// goes to stderr.

import type { SegmentKind } from '../src/answer/answer_grammar';
import type { PixelArray } from '../src/data/image/pillow_resize';
import type { GeneratedAnswer } from '../src/generation/generate';
import { acquireDevice, type DeviceTraits, type GpuContext } from '../src/gpu/device';
import { type KernelProfile, kernelProfile } from '../src/gpu/self_check';
import { Reasoner, samplingOf } from '../src/lookback/reasoner';
import { doubtOf } from '../src/lookback/weight_check';
import { LoraAdapter } from '../src/model/lora';
import type { WeightPrecision } from '../src/model/weight_layout';
import { GENERATION_SETTINGS } from '../src/settings/generation_settings';
import { defaultsOf } from '../src/settings/read_settings';
import { readAdapter, warnOfPrecision } from './adapter_folder';
import { ASK_USAGE, type AskCall, readAskCall } from './ask_call';
import { closeDevice, log, runCommand } from './command_line';
import { findModel } from './model_source';
import { createNodeGpu } from './node_gpu';
import { readPicture } from './node_image';

/** The JSON of `ask --json`. */
export interface AskReport {
  readonly text: string;
  /** Generated ids, the end token included. */
  readonly tokens: readonly number[];
  /** Spans between tags; tokens are indices into `tokens`, end exclusive. */
  readonly segments: readonly {
    readonly kind: SegmentKind;
    readonly text: string;
    readonly tokenStart: number;
    readonly tokenEnd: number;
  }[];
  /** Attention of generated token `step`, mean over heads and layers. */
  readonly shares: readonly {
    readonly step: number;
    readonly image: number;
    readonly query: number;
    readonly generated: number;
  }[];
  /** Content of the last box; null when there is none. */
  readonly answer: string | null;
  readonly seed: number;
  readonly model: string;
  /** Fine-tuned adapter over the model; null for none. */
  readonly adapter: string | null;
  /** How the model's weights were kept. */
  readonly weights: WeightPrecision;
  /** Why the weights may be damaged or untrained; null when nothing speaks for that. */
  readonly doubt: string | null;
  readonly device: DeviceReport;
  /** Which kernels ran: greedy tokens are promised bit for bit on the same adapter and profile alone. */
  readonly profile: KernelProfile;
}

/** The graphics device of a run. */
export interface DeviceReport {
  readonly description: string;
  readonly vendor: string;
  readonly software: boolean;
  readonly shaderF16: boolean;
  readonly subgroups: boolean;
}

function deviceReport(traits: DeviceTraits): DeviceReport {
  const { description, vendor, software, shaderF16, subgroups } = traits;
  return { description, vendor, software, shaderF16, subgroups };
}

function askReport(
  answer: GeneratedAnswer,
  call: AskCall,
  { id, doubt }: { readonly id: string; readonly doubt: string | null },
  { model }: Reasoner,
): AskReport {
  const { gpu } = model.device;
  return {
    text: answer.text,
    tokens: answer.ids,
    segments: answer
      .segments()
      .map(({ kind, text, tokenStart, tokenEnd }) => ({ kind, text, tokenStart, tokenEnd })),
    shares: answer.attention.map(({ step, shares }) => ({ step, ...shares })),
    answer: answer.reading().answer,
    seed: call.seed,
    model: id,
    adapter: call.adapter ?? null,
    weights: model.precision,
    doubt,
    device: deviceReport(gpu.traits),
    profile: kernelProfile(gpu),
  };
}

async function applyAdapter(
  reasoner: Reasoner,
  call: AskCall,
  gpu: GpuContext,
  signal: AbortSignal,
): Promise<void> {
  if (call.adapter === undefined) return;
  const { config } = reasoner.model;
  const { config: lora, weights, precision } = await readAdapter(call.adapter, config, signal);
  warnOfPrecision({ precision }, reasoner.model.precision);
  const adapter = LoraAdapter.create(gpu, lora, config, weights, false);
  adapter.setStrength(call.strength);
  reasoner.setAdapter(adapter);
}

async function ask(signal: AbortSignal): Promise<void> {
  const call = readAskCall();
  const images = await Promise.all(call.images.map((file) => readPicture(file)));
  const { id, files, builtIn } = await findModel(call.model, signal);
  const gpu = await acquireDevice({ gpu: createNodeGpu() });
  log(`${id} on ${gpu.traits.description}${gpu.traits.software ? ' (software)' : ''}`);
  const reasoner = await Reasoner.load(gpu, files, { signal, precision: call.precision });
  try {
    // What came with the project was checked when it was made.
    const doubt = builtIn ? null : await doubtOf(reasoner);
    if (doubt !== null) log(`Warning: ${doubt}`);
    await applyAdapter(reasoner, call, gpu, signal);
    const answer = await streamAnswer(reasoner, call, images, signal);
    if (call.json)
      process.stdout.write(`${JSON.stringify(askReport(answer, call, { id, doubt }, reasoner))}\n`);
  } finally {
    await closeDevice(gpu, reasoner);
  }
}

async function streamAnswer(
  reasoner: Reasoner,
  call: AskCall,
  images: readonly PixelArray[],
  signal: AbortSignal,
): Promise<GeneratedAnswer> {
  const seen = images.map((image) => reasoner.see(image));
  const prepared = reasoner.prepareSeen({ images: seen, text: call.question, mode: call.mode });
  const room = reasoner.maxTokens - prepared.prompt.inputIds.length;
  const { seed, temperature, maxNewTokens } = call;
  const sampling = samplingOf(
    { ...defaultsOf(GENERATION_SETTINGS), seed, temperature },
    Math.max(1, maxNewTokens ?? Math.min(reasoner.prompts.maxNewTokens, room)),
  );
  const { answer, events } = await reasoner.start({ prepared, sampling }, { capture: 'shares', signal });
  const out = call.json ? process.stderr : process.stdout;
  let first = 0;
  let last = 0;
  for await (const event of events) {
    if (event.type !== 'token') continue;
    last = performance.now();
    if (event.step === 0) first = last;
    out.write(event.text);
  }
  out.write('\n');
  const rate = ((answer.ids.length - 1) * 1000) / Math.max(1e-3, last - first);
  log(`${answer.ids.length} tokens, ${rate.toFixed(1)} per second, ended by ${answer.finishReason}`);
  return answer;
}

await runCommand(ASK_USAGE, ask);
