// The whole path from a PNG to tokens, against Hugging Face's greedy tokens (f32, eager) committed beside the scenes.
// Runs in Chromium and in Node: both must agree with the same list, so they agree with each other.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { greedy, Reasoner } from '../../src/lookback/reasoner';
import { LoraAdapter } from '../../src/model/lora';
import { readLora } from '../../src/model/peft_reader';
import { parseSafetensors } from '../../src/model/safetensors';
import type { ReasoningMode } from '../../src/settings/reasoning_modes';
import { loadFixture, loadFixtureJson } from '../harness/fixture';
import { testGpu } from '../harness/gpu';
import { hasModel, loadPicture, pocketFiles } from '../harness/pocket';

interface GoldenScene {
  readonly id: string;
  readonly image: string;
  readonly question: string;
  readonly mode: ReasoningMode;
  readonly prompt_ids: readonly number[];
  readonly ids: readonly number[];
  readonly text: string;
  /** Steps whose two best logits lie closer than 1e-3: either token is right there. */
  readonly ties: readonly number[];
}

interface Goldens {
  readonly about: { readonly model: string; readonly adapter?: string; readonly max_new_tokens: number };
  readonly scenes: readonly GoldenScene[];
}

/** Fewest ties are expected; more than this share excused would prove nothing. */
const MOST_EXCUSED = 0.05;

async function loadGoldens(file: string): Promise<Goldens | undefined> {
  return loadFixtureJson<Goldens>(`pocket/${file}`).catch(() => undefined);
}

/** An adapter of `public/adapters` on the test's device. */
async function bundledAdapter(name: string, reasoner: Reasoner): Promise<LoraAdapter> {
  const read = (file: string) => loadFixture(`/public/adapters/${name}/${file}`);
  const json: unknown = JSON.parse(new TextDecoder().decode(await read('adapter_config.json')));
  const file = await parseSafetensors(name, await read('adapter_model.safetensors'));
  const { config: model, device } = reasoner.model;
  const { config, weights } = await readLora(json, file, model);
  return LoraAdapter.create(device.gpu, config, model, weights, false);
}

describe.each(['greedy_tokens_adapter.json', 'greedy_tokens.json'])('greedy tokens of %s', (file) => {
  let goldens: Goldens | undefined;
  let reasoner: Reasoner | undefined;
  let adapter: LoraAdapter | undefined;

  beforeAll(async () => {
    goldens = await loadGoldens(file);
    if (goldens === undefined || !(await hasModel(goldens.about.model))) return;
    reasoner = await Reasoner.load(await testGpu(), pocketFiles(goldens.about.model));
    const { adapter: name } = goldens.about;
    if (name === undefined) return;
    adapter = await bundledAdapter(name, reasoner);
    reasoner.setAdapter(adapter);
  });

  afterAll(() => {
    reasoner?.destroy();
    adapter?.destroy();
  });

  it('makes the prompts and the tokens that Hugging Face makes', async (context) => {
    if (goldens === undefined || reasoner === undefined)
      return context.skip('this model is not in the repository');
    const { scenes, about } = goldens;
    const sampling = greedy(about.max_new_tokens);
    const requests = [];
    for (const { image, question, mode, prompt_ids } of scenes) {
      const prepared = reasoner.prepare({
        image: await loadPicture(`pocket/${image}`),
        text: question,
        mode,
      });
      expect(prepared.prompt.inputIds).toEqual(prompt_ids);
      requests.push({ prepared, sampling });
    }
    const answers = await reasoner.answerBatch(requests, scenes.length, { capture: 'none' });
    let excused = 0;
    for (const [i, scene] of scenes.entries()) {
      const ids = answers[i]?.ids ?? [];
      const differs = scene.ids.findIndex((id, step) => ids[step] !== id);
      if (differs >= 0 && scene.ties.includes(differs)) {
        excused++;
        continue;
      }
      expect(ids, scene.id).toEqual(scene.ids);
      expect(answers[i]?.text, scene.id).toBe(scene.text.replace(/ <\|im_end\|>$/, ''));
    }
    expect(excused).toBeLessThanOrEqual(scenes.length * MOST_EXCUSED);
    console.info(`${file}: ${scenes.length} scenes, ${excused} excused by ties`);
  });

  it('says alone what it says in a batch, with attention of every token', async (context) => {
    if (goldens === undefined || reasoner === undefined)
      return context.skip('this model is not in the repository');
    const scene = goldens.scenes[0] as GoldenScene;
    const image = await loadPicture(`pocket/${scene.image}`);
    const prepared = reasoner.prepare({ image, text: scene.question, mode: scene.mode });
    const request = { prepared, sampling: greedy(12) };
    const { answer, events } = await reasoner.start(request, { capture: 'maps' });
    for await (const _ of events);
    expect(answer.ids).toEqual(scene.ids.slice(0, 12));
    expect(answer.attention.map(({ step }) => step)).toEqual([...answer.ids.keys()]);
    for (const { shares, map } of answer.attention) {
      const sum = shares.image + shares.query + shares.generated;
      // vision_end is in the denominator alone, with a share that may be less than a rounding of the sum.
      expect(sum).toBeGreaterThan(0.2);
      expect(sum).toBeLessThan(1 + 1e-6);
      expect(map).toHaveLength(prepared.imageTokens);
      const onImage = map.reduce((a, b) => a + b, 0);
      // The map is not divided by the mass from the image on, which is below 1.
      expect(onImage).toBeGreaterThan(0);
      expect(onImage).toBeLessThanOrEqual(shares.image + 1e-5);
    }
    const [again] = await reasoner.answerBatch([request], 3, { capture: 'shares' });
    expect(again?.ids).toEqual(answer.ids);
    expect(again?.attention[5]?.shares.image).toBeCloseTo(answer.attention[5]?.shares.image ?? -1, 5);
  });

  it('answers a long prompt and a short one together, each as far as it goes', async (context) => {
    if (goldens === undefined || reasoner === undefined)
      return context.skip('this model is not in the repository');
    // Together longer than either alone: one goes on right before its end, the other from the beginning.
    const scene = goldens.scenes.reduce((a, b) => (b.ids.length > a.ids.length ? b : a));
    const image = await loadPicture(`pocket/${scene.image}`);
    const prepared = reasoner.prepare({ image, text: scene.question, mode: scene.mode });
    const inputIds = [...scene.prompt_ids, ...scene.ids.slice(0, -1)];
    const nearlyThere = { ...prepared, prompt: { ...prepared.prompt, inputIds } };
    const answers = await reasoner.answerBatch(
      [
        { prepared: nearlyThere, sampling: greedy(1) },
        { prepared, sampling: greedy(scene.ids.length) },
      ],
      2,
      { capture: 'none' },
    );
    expect(answers.map(({ ids }) => ids)).toEqual([scene.ids.slice(-1), scene.ids]);
  });
});
