// Every family of models on every page, with weights in int4: a tiny checkpoint of each arrives over a hub, answers about a
// photograph, is taught from a dataset by SFT and by GRPO, is compared with what it was taught, and gets its answer into a
// dataset. The first family makes the whole journey, the others as far as an adapter, by one step each; `npm run soak --
// families` makes it whole for all, with 30 steps of SFT and five of GRPO.

import { readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { familyCheckpoint } from '../harness/family_checkpoint';
import { startHub, type TestHub } from '../hub/hub_server';
import { lookUp, useHub } from './models_page';
import { newTrainPage, type TrainPage, worldSet } from './train_page';

test.describe.configure({ mode: 'serial', timeout: 240_000 });

const FAMILIES = [
  ['tiny-qwen2_5_vl', 'tokenizer-qwen2'],
  ['tiny-qwen2_vl', 'tokenizer-qwen2'],
  ['tiny-qwen3_vl', 'tokenizer-qwen3'],
  ['tiny-smolvlm', 'tokenizer-smollm2'],
] as const;
const SET = 'Three sheets';
const SOAK = process.env.LOOKBACK_WHOLE_FAMILIES !== undefined;
const STEPS = SOAK ? { sft: 30, grpo: 5 } : { sft: 1, grpo: 1 };
const idOf = (folder: string): string => `tiny/${folder.slice('tiny-'.length)}`;
const photograph = (name: string): Buffer => readFileSync(`test/fixtures/photographs/${name}`);

let hub: TestHub;
let train: TrainPage;
test.beforeAll(async ({ browser }) => {
  const models = FAMILIES.map(async ([folder, tokenizer]) => {
    const files = await familyCheckpoint(folder, tokenizer);
    return [idOf(folder), Object.fromEntries(files)] as const;
  });
  hub = await startHub(Object.fromEntries(await Promise.all(models)));
  train = await newTrainPage(browser);
  await train.ready();
  await train.go('data');
  await train.previewSet(await worldSet(3));
  await train.keepSet(SET);
  await train.page.getByTestId('nav-models').click();
  await useHub(train.page, hub.endpoint.href);
});
test.afterAll(async () => {
  await train.page.context().close();
  await hub.close();
});

for (const [at, [folder]] of FAMILIES.entries()) {
  const id = idOf(folder);
  const whole = at === 0 || SOAK;

  test(`${id} answers, learns and is compared`, async () => {
    await arrive(id);
    await ask();
    await teach(id, 'sft-quick', STEPS.sft, {
      ...{ 'sft.batchSize': '1', 'sft.maxLength': '512' },
      ...{ evalSize: '1', evalSamples: '1' },
    });
    await train.saveAdapter(`What ${id} learned`);
    if (whole) {
      await teach(id, 'grpo-quick', STEPS.grpo, {
        ...{ 'grpo.promptsPerStep': '1', 'grpo.numGenerations': '2', 'grpo.maxCompletionLength': '8' },
        ...{ 'grpo.dropUniformGroups': 'none' },
      });
      await compare(`What ${id} learned`);
      await keepAnswer();
    }
    await listed(id);
    expect(train.problems).toEqual([]);
  });
}

/** Looks the model up, downloads it and waits until it can be asked. */
async function arrive(id: string): Promise<void> {
  const { page } = train;
  await page.getByTestId('nav-models').click();
  await lookUp(page, id);
  const fits = (): Promise<void> =>
    expect(page.getByTestId('fit')).toHaveAttribute('data-fits', 'true', { timeout: 60_000 });
  await fits();
  await page.getByLabel('Precision of the weights').selectOption('int4');
  await fits();
  await page.getByTestId('bring').click();
  await expect(train.status).toHaveText(`${id} is ready.`, { timeout: 60_000 });
}

/** A photograph and a question: an answer, its attention, and nothing of another model's world. */
async function ask(): Promise<void> {
  const { page } = train;
  await train.go('look');
  await train.upload('coffee.jpg', 'image/jpeg', photograph('coffee.jpg'));
  await expect(page.getByRole('img', { name: /^The picture coffee\.jpg/ })).toBeVisible();
  await train.question.fill('How many cups?');
  await page.getByLabel('Longest answer').fill('8');
  await page.getByLabel('Image tokens').fill('64');
  await train.askAndWait();
  expect(await train.tokens()).toBeGreaterThan(0);
  await expect(train.sentence).toHaveText(/% on the image, /);
  await expect(train.heatmap).toHaveAttribute('data-sum', /^0\.\d*[1-9]/);
}

/** A run of some steps on the dataset. */
async function teach(
  id: string,
  preset: string,
  steps: number,
  fields: Readonly<Record<string, string>>,
): Promise<void> {
  const { page } = train;
  await train.go('train');
  const counts = { maxSteps: String(steps), saveSteps: String(steps) };
  await train.plan(preset, SET, { name: preset, mode: 'plain', ...counts, ...fields });
  // A preset names pocket, with which it was found.
  await page.getByTestId('plan-model').selectOption(id);
  await expect(page.getByTestId('estimate')).toHaveAttribute('data-fits', 'true', { timeout: 60_000 });
  await train.start();
  await train.stepped(steps);
  await train.state('finished');
}

/** The base and what was learned, side by side. */
async function compare(adapter: string): Promise<void> {
  const { page } = train;
  await train.go('look');
  await page.getByTestId('adapter-chooser').selectOption({ label: adapter });
  await page.getByTestId('compare-toggle').click();
  await train.ask();
  for (const side of ['compare-base', 'compare-adapter']) {
    await expect(page.getByTestId(side)).toHaveAttribute('data-status', 'finished', { timeout: 60_000 });
  }
  await expect(page.getByTestId('compare-sentence')).toContainText(adapter);
  await page.getByTestId('compare-toggle').click();
}

/** The answer shown becomes a row of the dataset. */
async function keepAnswer(): Promise<void> {
  const { page } = train;
  await page.getByTestId('add-to-dataset').click();
  await page.getByTestId('add-answer').fill('one');
  await page.getByTestId('add-send').click();
  await expect(page.getByTestId('add-done')).toBeVisible();
  await page.keyboard.press('Escape');
}

/** The Library lists the model and its adapter, and over which weights that was trained. */
async function listed(id: string): Promise<void> {
  const { page } = train;
  await train.go('library');
  await expect(page.getByTestId('library-model').filter({ hasText: id })).toBeVisible();
  const adapter = page.getByTestId('library-adapter').filter({ hasText: `What ${id} learned` });
  await expect(adapter).toBeVisible();
  await expect(adapter).toContainText('weights in int4');
}
