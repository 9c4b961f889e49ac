// Command line: what a model loses by quantised weights. `npm run quality -- DIR|ID [--image FILE --question TEXT] …`
// It rounds every weight as loading does and measures the difference; then it answers the questions with the stored weights
// and compares the distributions over each next token. stdout holds a table, or with --json one line of JSON.

import { acquireDevice, type GpuContext } from '../src/gpu/device';
import { Reasoner } from '../src/lookback/reasoner';
import {
  answerAsStored,
  distanceFrom,
  type LogitDistance,
  pooledDistance,
  type StoredAnswer,
} from '../src/lookback/weight_quality';
import { openCheckpoint } from '../src/model/checkpoint';
import { parseModelConfig } from '../src/model/config';
import { type ModelFiles, readModelJson } from '../src/model/vision_language_model';
import { relativeOfMatrices, type WeightError, weightErrors } from '../src/model/weight_error';
import { WEIGHT_PRECISIONS, type WeightPrecision } from '../src/model/weight_layout';
import { REASONING_MODES, type ReasoningMode } from '../src/settings/reasoning_modes';
import {
  closeDevice,
  log,
  oneOf,
  readArgumentsWithWord,
  runCommand,
  UsageError,
  wholeNumber,
} from './command_line';
import { findModel } from './model_source';
import { createNodeGpu } from './node_gpu';
import { readPicture } from './node_image';

/** What one precision loses; the JSON of `quality --json` holds a list of them. */
export interface PrecisionQuality {
  readonly precision: WeightPrecision;
  /** On the device. */
  readonly bytes: number;
  /** ‖ΔW‖/‖W‖ of all matrices taken as one. */
  readonly relative: number;
  readonly tensors: readonly WeightError[];
  /** Against the stored weights, over all questions. */
  readonly logits: LogitDistance;
}

/** The JSON of `quality --json`. */
export interface QualityReport {
  readonly model: string;
  readonly device: string;
  readonly questions: number;
  readonly precisions: readonly PrecisionQuality[];
}

const USAGE = `usage: npm run quality -- ID|DIR --image FILE --question TEXT [--image FILE --question TEXT …] [options]

  --image FILE          a picture; each goes with the question of the same number
  --question TEXT
  --mode MODE           ${REASONING_MODES.join(' | ')} (default plain)
  --weights LIST        precisions to compare with the stored weights (default int8,int4)
  --tokens N            longest answer along which to compare (default 64)
  --json                one JSON object`;

interface Call {
  readonly model: string;
  readonly asked: readonly { readonly image: string; readonly question: string }[];
  readonly mode: ReasoningMode;
  readonly precisions: readonly WeightPrecision[];
  readonly tokens: number;
  readonly json: boolean;
}

function readCall(): Call {
  const text = { type: 'string' } as const;
  const list = { type: 'string', multiple: true } as const;
  const { word, values } = readArgumentsWithWord('model', {
    ...{ image: list, question: list, mode: text, weights: text, tokens: text },
    json: { type: 'boolean' },
  });
  const [images, questions] = [values.image ?? [], values.question ?? []];
  if (images.length === 0 || images.length !== questions.length)
    throw new UsageError(`${images.length} pictures and ${questions.length} questions: give one each.`);
  return {
    model: word,
    asked: images.map((image, index) => ({ image, question: questions[index] ?? '' })),
    mode: oneOf('mode', values.mode ?? 'plain', REASONING_MODES),
    precisions: (values.weights ?? 'int8,int4')
      .split(',')
      .map((name) => oneOf('weights', name, WEIGHT_PRECISIONS)),
    tokens: wholeNumber('tokens', values.tokens, 1, 64),
    json: values.json ?? false,
  };
}

/** Answers the questions with the stored weights. */
async function answerStored(
  gpu: GpuContext,
  files: ModelFiles,
  call: Call,
  signal: AbortSignal,
): Promise<StoredAnswer[]> {
  const reasoner = await Reasoner.load(gpu, files, { signal, precision: 'stored' });
  try {
    const answers: StoredAnswer[] = [];
    for (const { image, question } of call.asked) {
      const asked = { image: await readPicture(image), text: question, mode: call.mode, tokens: call.tokens };
      const answer = await answerAsStored(reasoner, asked, signal);
      answers.push(answer);
      log(`answered ${answers.length} of ${call.asked.length}, ${answer.answer.length} tokens`);
    }
    return answers;
  } finally {
    await gpu.fence();
    reasoner.destroy();
  }
}

async function measure(
  gpu: GpuContext,
  files: ModelFiles,
  precision: WeightPrecision,
  answers: readonly StoredAnswer[],
  signal: AbortSignal,
): Promise<PrecisionQuality> {
  const config = parseModelConfig(await readModelJson(files, 'config.json'));
  const tensors: WeightError[] = [];
  for await (const error of weightErrors(config, await openCheckpoint(files), precision)) {
    signal.throwIfAborted();
    tensors.push(error);
  }
  const reasoner = await Reasoner.load(gpu, files, { signal, precision });
  const distances: LogitDistance[] = [];
  for (const answer of answers) distances.push(await distanceFrom(answer, reasoner.model));
  const { bytes } = reasoner.model.weights;
  await gpu.fence();
  reasoner.destroy();
  const relative = relativeOfMatrices(tensors);
  return { precision, bytes, relative, tensors, logits: pooledDistance(distances) };
}

function summary({ precision, bytes, relative, tensors, logits }: PrecisionQuality): string {
  const worst = [...tensors].sort((a, b) => b.relative - a.relative).slice(0, 5);
  return [
    `${precision}: ${(bytes / 1e6).toFixed(1)} MB, ‖ΔW‖/‖W‖ ${relative.toFixed(4)}, KL ${logits.kl.toExponential(2)} nats (largest ${logits.largestKl.toExponential(2)}), same first choice for ${(100 * logits.agreement).toFixed(1)} % of ${logits.tokens} tokens`,
    ...worst.map((error) => `  ${error.relative.toFixed(4)} ${error.format} ${error.name}`),
  ].join('\n');
}

await runCommand(USAGE, async (signal) => {
  const call = readCall();
  const { id, files } = await findModel(call.model, signal);
  const gpu = await acquireDevice({ gpu: createNodeGpu() });
  try {
    const answers = await answerStored(gpu, files, call, signal);
    const precisions: PrecisionQuality[] = [];
    for (const precision of call.precisions) {
      const found = await measure(gpu, files, precision, answers, signal);
      precisions.push(found);
      if (!call.json) process.stdout.write(`${summary(found)}\n`);
    }
    const device = gpu.traits.description;
    const report: QualityReport = { model: id, device, questions: answers.length, precisions };
    if (call.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  } finally {
    await closeDevice(gpu, { destroy: () => undefined });
  }
});
