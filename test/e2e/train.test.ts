// From a dataset to an adapter: import with bad rows, SFT that is paused, reloaded and resumed, the adapter saved,
// compared, exported, deleted and imported again, and GRPO with its inspector open. One page, in order.
import { expect, test } from '@playwright/test';
import { unzipSync } from 'fflate';
import { newTrainPage, type TrainPage, worldSet } from './train_page';

test.describe.configure({ mode: 'serial', timeout: 300_000 });

let train: TrainPage;
test.beforeAll(async ({ browser }) => {
  train = await newTrainPage(browser);
  await train.ready();
});
test.afterAll(() => train.page.context().close());

const SET = 'Seven sheets';
const ADAPTER = 'Twenty steps';

test('a set with two bad rows is kept with consent only', async () => {
  const { page } = train;
  await train.go('data');
  await train.previewSet(await worldSet(7, true));
  const problems = page.getByTestId('data-problem');
  await expect(problems).toHaveCount(2);
  await expect(problems.nth(0)).toContainText(/train\.jsonl, row 2: .*missing\.png/);
  await expect(problems.nth(1)).toContainText(/train\.jsonl, row 4: .*answer/);
  await expect(page.getByTestId('dataset-row')).toHaveCount(0);
  await expect(page.getByTestId('data-keep')).toHaveText('Skip 2 and keep 7 rows');
  expect(await train.violations()).toEqual([]);
  await train.keepSet(SET);
  await expect(page.getByTestId('dataset-row')).toHaveAttribute('data-rows', '7');
});

test('SFT by keyboard alone goes on after a pause and a reload, and no step is lost or repeated', async () => {
  const { page } = train;
  await train.pressKeys('nav-train');
  await train.planByKeys('Pocket SFT (quick)', SET, {
    name: 'Short SFT',
    ...{ maxSteps: '20', saveSteps: '5' },
    ...{ 'sft.batchSize': '1', evalSteps: '20', evalSize: '1', evalSamples: '1' },
  });
  await expect(page.getByTestId('estimate')).toHaveAttribute('data-fits', 'true', { timeout: 60_000 });
  await train.pressKeys('start');
  await train.stepped(2);
  await train.pressKeys('pause');
  await train.state('paused');
  const paused = await train.step();
  expect(paused).toBeLessThan(20);

  await page.reload();
  await train.state('paused');
  expect(await train.step()).toBe(paused);
  await expect(page.getByTestId('interrupted')).toContainText(`waits at step ${paused}`);
  await train.pressKeys('resume');
  await train.stepped(paused + 1);
  await train.state('finished');
  await expect(train.runStep).toHaveText('20 of 20');
  await expect(train.rows).toHaveAttribute('data-state', 'finished');
  await train.saveAdapterByKeys(ADAPTER);
  expect(await train.exportedSteps()).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
});

test('base and adapter answer side by side', async () => {
  const { page } = train;
  await train.go('look');
  await page.getByTestId('adapter-chooser').selectOption({ label: ADAPTER });
  await page.getByTestId('compare-toggle').click();
  await train.chooseExample(0);
  await train.ask();
  for (const side of ['compare-base', 'compare-adapter']) {
    await expect(page.getByTestId(side)).toHaveAttribute('data-status', 'finished', { timeout: 60_000 });
  }
  await expect(page.getByTestId('compare-chart')).toHaveCount(1);
  await expect(page.getByTestId('compare-sentence')).toContainText(ADAPTER);
  await page.getByTestId('compare-toggle').click();
});

test('an adapter is exported as PEFT reads it, deleted, and imported the same', async () => {
  const { page } = train;
  await train.go('library');
  const mine = page.getByTestId('library-adapter').filter({ hasText: ADAPTER });
  await expect(mine).toBeVisible();
  expect(await train.violations()).toEqual([]);
  const first = await train.downloaded(mine.getByTestId('adapter-export'));
  const { 'adapter_config.json': config, 'README.md': card, ...rest } = unzipSync(first.bytes);
  expect(Object.keys(rest)).toEqual(['adapter_model.safetensors']);
  expect(Buffer.from(card ?? []).toString('utf8')).toMatch(/library_name: peft[\s\S]*pocket[\s\S]*PeftModel/);
  expect(JSON.parse(Buffer.from(config ?? []).toString('utf8'))).toMatchObject({ peft_type: 'LORA', r: 8 });

  await mine.getByTestId('adapter-delete').click();
  await page.getByTestId('confirm-no').click();
  await expect(mine).toHaveCount(1);
  await mine.getByTestId('adapter-delete').click();
  await expect(page.getByRole('dialog')).toContainText(/This frees [\d.]+ KiB/);
  await page.getByTestId('confirm-yes').click();
  await expect(mine).toHaveCount(0);

  const file = { name: `${ADAPTER}.zip`, mimeType: 'application/zip', buffer: first.bytes };
  await page.getByTestId('adapter-import').setInputFiles(file);
  await expect(mine).toHaveCount(1);
  const second = await train.downloaded(mine.getByTestId('adapter-export'));
  expect(tensorsOf(second.bytes)).toEqual(tensorsOf(first.bytes));
});

test('GRPO with a reward of its own and the inspector open', async () => {
  const { page } = train;
  await train.go('train');
  await train.plan('grpo-quick', SET, {
    name: 'Three steps',
    ...{ maxSteps: '3', mode: 'cot', 'grpo.promptsPerStep': '1', 'grpo.numGenerations': '4' },
    ...{ 'grpo.maxCompletionLength': '48', 'grpo.dropUniformGroups': 'none' },
    // Answers of different lengths score differently, so that groups of equal accuracy teach something too.
    'grpo.rewardWeights.length': '1',
    // In its own Worker, which the page's content security policy has to let start.
    'grpo.rewardWeights.custom': '1',
    'grpo.customReward': 'function reward({ text }) { return text.length / 1000; }',
  });
  await train.start();
  await expect(page.getByTestId('completion').first()).toBeVisible({ timeout: 60_000 });
  await page.getByTestId('hold').check();
  await expectAdvantages();
  await train.state('finished');
  await expect(train.runStep).toHaveText('3 of 3');
  await page.getByTestId('hold').uncheck();
  await expect(page.getByRole('heading', { name: 'Groups of step 3' })).toBeVisible();
  await expectAdvantages();
  expect(await train.exportedSteps()).toEqual([1, 2, 3]);
  expect(await train.violations()).toEqual([]);
  expect(train.problems).toEqual([]);
});

/** The one group that is shown: four answers whose rewards and advantages agree. */
async function expectAdvantages(): Promise<void> {
  const { page } = train;
  const group = page.getByTestId('group');
  await expect(group).toHaveCount(1);
  await expect(group).toHaveAttribute('data-dropped', '');
  await expect(page.getByTestId('completion')).toHaveCount(4);
  const rewards = await page.getByTestId('completion').evaluateAll((completions) =>
    completions.map((completion) => ({
      parts: [...completion.querySelectorAll('[data-reward]')].map((part) =>
        part.getAttribute('data-reward'),
      ),
      reward: completion.querySelector('[data-reward=total] dd')?.textContent ?? '',
      advantage: completion.querySelector('.advantage b')?.textContent ?? '',
    })),
  );
  const numbers = (texts: string[]) => texts.map((text) => Number(text.replace('−', '-')));
  for (const { parts } of rewards) expect(parts).toEqual(['accuracy', 'format', 'length', 'custom', 'total']);
  const scores = numbers(rewards.map(({ reward }) => reward));
  const advantages = numbers(rewards.map(({ advantage }) => advantage));
  // Two digits are shown of each.
  expect(Math.abs(advantages.reduce((sum, one) => sum + one, 0))).toBeLessThan(0.03);
  const [best, worst] = [Math.max(...scores), Math.min(...scores)];
  if (best === worst) expect(advantages).toEqual([0, 0, 0, 0]);
  else {
    expect(advantages[scores.indexOf(best)]).toBeGreaterThan(0);
    expect(advantages[scores.indexOf(worst)]).toBeLessThan(0);
  }
}

/** Name, type, shape and bytes of every tensor in an exported adapter. */
function tensorsOf(zip: Buffer): Record<string, unknown> {
  const file = Buffer.from(unzipSync(zip)['adapter_model.safetensors'] ?? []);
  const start = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, start)) as Record<string, { data_offsets?: number[] }>;
  const tensors: Record<string, unknown> = {};
  for (const [name, { data_offsets, ...form }] of Object.entries(header)) {
    if (data_offsets === undefined) continue;
    const bytes = file.subarray(start).subarray(data_offsets[0], data_offsets[1]);
    tensors[name] = { ...form, bytes: bytes.toString('base64') };
  }
  return tensors;
}
