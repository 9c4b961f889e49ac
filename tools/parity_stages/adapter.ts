// Computes the stage of an adapter that reaches vision tower and connector: image features and logits of a fixture folder's
// prompt under the adapter in `adapter-tower/`.

import type { GpuContext } from '../../src/gpu/device';
import { LoraAdapter } from '../../src/model/lora';
import { readLora } from '../../src/model/peft_reader';
import type { ModelOnDevice } from '../../src/model/prompt_program';
import { VisionLanguageModel } from '../../src/model/vision_language_model';
import type { ComputedRow, Wanted } from './computed_row';
import type { FixtureDir } from './fixture_dir';
import { IO, type ParityWeights, readPrompt, runPrompt, selectRows, storedWeights } from './prompt_run';
import { featurePart, runTower } from './vision';

const FOLDER = 'adapter-tower';

/** Rows of the stage `adapter`. */
export async function* adapterRows(
  gpu: GpuContext,
  dir: FixtureDir,
  wanted: Wanted,
  { files, precision }: ParityWeights = storedWeights(dir),
): AsyncGenerator<ComputedRow> {
  const specs = dir.ofStages(['adapter'], wanted);
  if (specs.length === 0) return;
  const model = await VisionLanguageModel.load(gpu, files, { precision });
  const json = dir.json(`${FOLDER}/adapter_config.json`);
  const file = await dir.safetensors(`${FOLDER}/adapter_model.safetensors`);
  const { config, weights } = await readLora(json, file, model.config);
  const adapter = LoraAdapter.create(gpu, config, model.config, weights, false);
  const device: ModelOnDevice = { ...model.device, weights: adapter.applyTo(model.weights) };
  const prompt = await readPrompt(dir);
  const tower = await runTower(device, prompt.images);
  const features = (await tower.program.read('image_embeds')) as Float32Array;
  const run = await runPrompt(gpu, device, prompt, tower.features);
  const rows = (await dir.read({ file: IO, name: 'rows' })) as Int32Array;
  for (const { stage, name, shape, file: golden } of specs) {
    const actual =
      name === 'logits'
        ? selectRows(await run.read('logits'), model.config.text.vocabSize, rows)
        : featurePart(features, name, model.config);
    yield { stage, file: golden, tensor: name, label: `${FOLDER}/${name}`, actual, shape };
  }
  for (const part of [run, tower, adapter, model]) part.destroy();
}
