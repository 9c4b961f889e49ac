// Builds the training program of a fixture folder's model and adapter, and reads what it wrote.

import type { GpuContext } from '../../src/gpu/device';
import type { LoraAdapter } from '../../src/model/lora';
import type { VisionProgram } from '../../src/model/prompt_program';
import type { VisionLanguageModel } from '../../src/model/vision_language_model';
import type { Program } from '../../src/tensor/program';
import { readTensor } from '../../src/tensor/tensor_memory';
import type { PackedCompletions } from '../../src/train/packing';
import { buildTrainProgram, createOptimizerState, type TrainOptions } from '../../src/train/train_program';
import type { ComputedRow } from './computed_row';
import type { FixtureDir, TensorSpec } from './fixture_dir';
import type { Prompt } from './prompt_run';

/** What every training stage needs. */
export interface Bench {
  readonly gpu: GpuContext;
  readonly dir: FixtureDir;
  readonly model: VisionLanguageModel;
  readonly prompt: Prompt;
  readonly vision: VisionProgram | undefined;
  adapter(): Promise<LoraAdapter>;
}

/** A program over packed sequences with its adapter and optimizer state. */
export interface TrainRun {
  readonly program: Program;
  readonly adapter: LoraAdapter;
  readonly state: ReturnType<typeof createOptimizerState>;
  readonly packed: PackedCompletions;
  destroy(): void;
}

/** Builds a training program over packed sequences and writes its inputs. */
export async function prepare(
  bench: Bench,
  packed: PackedCompletions,
  options: TrainOptions,
): Promise<TrainRun> {
  const { gpu, model, vision } = bench;
  const shape = { tokens: packed.tokens, rows: packed.rows };
  const adapter = await bench.adapter();
  const state = createOptimizerState(gpu, adapter);
  const program = await buildTrainProgram(model.device, adapter, state, shape, vision?.features, options);
  for (const [name, data] of Object.entries(packed.inputs(shape.tokens, shape.rows)))
    if (program.hasInput(name)) program.write(name, data);
  const destroy = (): void => {
    program.destroy();
    state.destroy();
    adapter.destroy();
  };
  return { program, adapter, state, packed, destroy };
}

/** Values of adapter tensors, or of the same places of another arena, by golden name. */
export async function readArena(
  bench: Bench,
  run: TrainRun,
  arena: 'adapter' | 'gradient',
): Promise<Map<string, Float32Array>> {
  const all = await readTensor(bench.gpu, arena === 'adapter' ? run.adapter.arena : run.state.gradient);
  return new Map(
    run.adapter.tensors().map(({ name, tensor }) => {
      const at = (tensor.region?.offset ?? 0) / 4;
      return [name, all.slice(at, at + tensor.shape.reduce((a, b) => a * b, 1))];
    }),
  );
}

/** A row of a tensor of the manifest. */
export function row({ stage, file, name, shape }: TensorSpec, actual: ComputedRow['actual']): ComputedRow {
  return { stage, file, tensor: name, actual, shape };
}
