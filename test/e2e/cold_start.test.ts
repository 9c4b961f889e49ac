// Walks the whole pipeline as a person does, with a reload after every stage: a cold start of the built-in world with the
// looks that it writes itself, and SFT on it; and a cold start of an imported set with looks from a file. In
// `npm run soak -- pipeline` the model and another one write looks, too, and SFT, GRPO and an evaluation follow for both
// sets, with a reload at each stage.
import { expect, test } from '@playwright/test';
import { unzipSync } from 'fflate';
import { backText, boxed, secondThought } from '../../src/data/world/oracle';
import { drawSample } from '../../src/data/world/world_sample';
import { openModelHub } from '../hub/hub_commands.ts';
import { type LabJourney, newLabJourney } from './lab_page';
import { lookUp, useHub } from './models_page';
import { worldSet } from './train_page';

test.describe.configure({ mode: 'serial', timeout: 300_000 });

let cold: LabJourney;
test.beforeAll(async ({ browser }) => {
  cold = await newLabJourney(browser);
  await cold.ready();
});
test.afterAll(() => cold.page.context().close());

/** Whether all stages are walked through. */
const WHOLE = process.env.LOOKBACK_WHOLE_PIPELINE !== undefined;
/** A model of a hub that writes looks. */
const WRITER = 'tiny/writer';
const SET = 'Looks of the world';
const LEARNT = 'Learnt to look';
const REWARDED = 'Rewarded for it';

test('the built-in world: answers, looks and mix outlive reloads, and SFT takes the set', async () => {
  const { page } = cold;
  if (WHOLE) await bringWriter();
  await cold.openBuilder();
  await cold.begin({ count: '6', rollouts: '3', batch: '3', textShare: '0', maxNewTokens: '60' });
  await cold.answered(6);
  await page.reload();
  await cold.answered(6);
  const looks = await cold.number('cold-selected', 'data-looks');
  expect(looks).toBeGreaterThan(0);
  expect(await cold.number('cold-written', 'data-written')).toBe(looks);
  expect(await cold.number('cold-accepted', 'data-accepted')).toBe(looks);
  await cold.set('position', 'semantic');
  await cold.set('reflectionRate', '1');
  await expect(page.getByTestId('cold-mixed')).toHaveAttribute('data-looks', String(looks));
  expect(await cold.violations()).toEqual([]);
  if (WHOLE) {
    await writeByModel(looks);
    await writeByAdapter(looks);
    await writeByOther(looks);
  }

  await page.reload();
  await expect(page.locator('[data-field="position"]')).toHaveValue('semantic');
  await expect(page.getByTestId('cold-mixed')).toHaveAttribute('data-looks', String(looks));
  const { bytes } = await cold.downloaded(page.getByTestId('cold-export'));
  const { 'metadata.jsonl': metadata } = unzipSync(bytes);
  const rows = Buffer.from(metadata ?? [])
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(rows).toHaveLength(looks);
  expect(rows[0]).toMatchObject({
    writer: 'oracle',
    reflects: true,
    images: [expect.stringMatching(/\.png$/)],
  });
  await cold.save(SET);

  await learn(SET, 'semantic', LEARNT);
});

/** Has the model write all looks, with a reload when they are there, and goes back to those of the world. */
async function writeByModel(looks: number): Promise<void> {
  const { page } = cold;
  await cold.set('insert', 'self');
  await cold.set('tries', '2');
  await page.getByTestId('cold-run-self').click();
  const written = page.getByTestId('cold-written');
  await expect(written).not.toHaveAttribute('data-written', '0', { timeout: 120_000 });
  // All are answered then; some looks at sheets are longer than the few tokens that are asked for here.
  await expect(page.getByTestId('cold-run-self')).toBeDisabled({ timeout: 120_000 });
  await expect(page.getByTestId('cold-pause')).toHaveCount(0);
  const count = await cold.number('cold-written', 'data-written');
  if (count < looks)
    await expect(page.getByTestId('cold-cut-off')).toHaveAttribute('data-looks', String(looks - count));
  await page.reload();
  await expect(written).toHaveAttribute('data-written', String(count));
  // What a model writes may fail the filter, which then says by which rule.
  const accepted = await cold.number('cold-accepted', 'data-accepted');
  expect(accepted).toBeLessThanOrEqual(count);
  if (accepted < count) await expect(page.getByTestId('cold-rule').first()).toBeVisible();
  await cold.set('insert', 'oracle');
  await expect(page.getByTestId('cold-accepted')).toHaveAttribute('data-accepted', String(looks));
}

/** Has the model write with the adapter that comes with it, paused and reloaded on the way, and goes back to the world's. */
async function writeByAdapter(looks: number): Promise<void> {
  const { page } = cold;
  await cold.set('insert', 'adapter');
  await expect(page.getByTestId('cold-run-self')).toBeDisabled();
  const writer = page.locator('[data-field="writer"]');
  await writer.selectOption({ label: 'Pocket Look-Back' });
  const chosen = await writer.inputValue();
  await page.getByTestId('cold-run-self').click();
  await expect(page.getByTestId('cold-work')).toContainText(' of ', { timeout: 120_000 });
  await page.getByTestId('cold-pause').click();
  await expect(page.getByTestId('cold-pause')).toHaveCount(0);
  await page.reload();
  await expect(writer).toHaveValue(chosen);
  // Until the model is there, nothing can be asked, whether looks are left or not.
  await cold.saidReady();
  const go = page.getByTestId('cold-run-self');
  if (await go.isEnabled()) await go.click();
  await expect(go).toBeDisabled({ timeout: 120_000 });
  await expect(page.getByTestId('cold-pause')).toHaveCount(0);
  // Who learnt to scan writes longer looks than the few tokens that are asked for here: they are cut off, and counted.
  const written = await cold.number('cold-written', 'data-written');
  if (written < looks)
    await expect(page.getByTestId('cold-cut-off')).toHaveAttribute('data-looks', String(looks - written));
  await cold.set('insert', 'oracle');
  await expect(page.getByTestId('cold-accepted')).toHaveAttribute('data-accepted', String(looks));
}

/** Brings a second model from a hub, and loads the built-in one again. */
async function bringWriter(): Promise<void> {
  const { page } = cold;
  const hub = await openModelHub([{ id: WRITER, folder: 'public/models/pocket' }]);
  try {
    await page.getByTestId('nav-models').click();
    await useHub(page, hub.endpoint.href);
    await lookUp(page, WRITER);
    await page.getByTestId('bring').click();
    await expect(cold.status).toHaveText(`${WRITER} is ready.`, { timeout: 60_000 });
  } finally {
    await hub.close();
  }
  await page.getByRole('combobox', { name: 'Model' }).selectOption('pocket');
  await expect(cold.status).toHaveText('Pocket is ready.', { timeout: 60_000 });
}

/** Has another model write, paused and reloaded on the way; the one before is there again each time. */
async function writeByOther(looks: number): Promise<void> {
  const { page } = cold;
  const loaded = page.getByRole('combobox', { name: 'Model', exact: true });
  const go = page.getByTestId('cold-run-self');
  const asked = async (): Promise<void> => {
    await expect(page.getByTestId('cold-work')).toHaveCount(0, { timeout: 120_000 });
    await expect(loaded).toHaveValue('pocket');
  };
  await cold.set('insert', 'model');
  await cold.set('writerModel', WRITER);
  expect(await cold.number('cold-written', 'data-written')).toBe(0);
  await go.click();
  await expect(page.getByTestId('cold-work')).toContainText(`Loading ${WRITER}`);
  await expect(page.getByTestId('cold-work')).toContainText(' of ', { timeout: 120_000 });
  await page.getByTestId('cold-pause').click();
  await asked();
  await page.reload();
  await expect(page.locator('[data-field="writerModel"]')).toHaveValue(WRITER);
  await cold.saidReady();
  if (await go.isEnabled()) await go.click();
  await expect(go).toBeDisabled({ timeout: 120_000 });
  await asked();
  const written = await cold.number('cold-written', 'data-written');
  expect(written).toBeGreaterThan(0);
  if (written < looks)
    await expect(page.getByTestId('cold-cut-off')).toHaveAttribute('data-looks', String(looks - written));
  expect(await cold.violations()).toEqual([]);
  await cold.set('insert', 'oracle');
  await expect(page.getByTestId('cold-accepted')).toHaveAttribute('data-accepted', String(looks));
}

/** Two steps of SFT on a cold start's set, kept as an adapter. */
async function learn(set: string, mode: 'semantic' | 'solution', adapter: string): Promise<void> {
  await cold.go('train');
  await cold.plan('sft-quick', set, {
    ...{ name: 'On my cold start', mode, maxSteps: '2' },
    ...{ 'sft.batchSize': '1', evalSteps: '0' },
  });
  await cold.start();
  await cold.state('finished');
  await expect(cold.runStep).toHaveText('2 of 2');
  await cold.saveAdapter(adapter);
}

/** GRPO on a set from an adapter, paused and reloaded, kept as another adapter. */
async function reward(set: string, from: string, to: string): Promise<void> {
  const { page } = cold;
  await page.reload();
  await cold.plan('grpo-quick', set, {
    ...{ name: 'On from there', mode: 'solution', maxSteps: '200', saveSteps: '1' },
    ...{ 'grpo.promptsPerStep': '1', 'grpo.numGenerations': '2', 'grpo.maxCompletionLength': '24' },
  });
  await cold.continueAdapter(from);
  await cold.start();
  await cold.stepped(2);
  await page.getByTestId('pause').click();
  await cold.state('paused');
  await page.reload();
  await cold.saveAdapter(to);
}

/** Stops an evaluation in the middle, reloads, and goes on. */
async function interrupt(): Promise<void> {
  const { page } = cold;
  // Two of eight waves are kept at least: what is shown follows the waves.
  await expect(page.getByTestId('eval-work')).toContainText(/^[2-7] of 8/, { timeout: 60_000 });
  await page.getByTestId('eval-pause').click();
  await expect(page.getByTestId('eval-go-on')).toBeEnabled();
  await page.reload();
  await expect(page.getByTestId('evaluation')).toHaveAttribute('data-done', /^[2-4] [0-3]$/);
  await page.getByTestId('eval-go-on').click();
}

test('GRPO goes on from there, and an evaluation holds the outcome against the base', {
  tag: '@pipeline',
}, async () => {
  const { page } = cold;
  await reward('Built-in world', LEARNT, REWARDED);
  const count = 4;
  const fields = { count: `${count}`, batch: '1', maxNewTokens: '24' };
  await cold.evaluate(fields, { adapter: REWARDED, mode: 'solution' });
  await interrupt();
  await cold.evaluated(count);
  await expect(page.getByTestId('eval-comparison').getByRole('row')).not.toHaveCount(1);
  await expect(page.getByTestId('eval-figures').getByRole('row').first()).toContainText(REWARDED);
  expect(await cold.violations()).toEqual([]);
  const { bytes } = await cold.downloaded(page.getByTestId('eval-export-json'));
  const second = Buffer.from(unzipSync(bytes)['second.jsonl'] ?? []).toString('utf8');
  expect(second.trim().split('\n')).toHaveLength(count);

  const question = page.getByTestId('eval-item').first().getByRole('button');
  const words = await question.textContent();
  await question.press('Enter');
  await expect(page.getByTestId('eval-answer')).toHaveCount(2);
  await page.getByTestId('eval-look').last().click();
  await expect(cold.question).toHaveValue(words ?? '');
  expect(cold.problems).toEqual([]);
});

test('an imported set: tasks go out, looks come back in a file and by hand', async () => {
  const { page } = cold;
  await cold.go('data');
  await cold.previewSet(await worldSet(4));
  await cold.keepSet('Four sheets');
  await cold.openBuilder();
  await cold.discard();
  await cold.begin({ rollouts: '3', maxNewTokens: '60' }, 'Four sheets');
  await cold.answered(4);
  await cold.set('hardShare', '1');
  await cold.set('insert', 'file');
  await cold.set('reflectionRate', '1');
  const looks = await cold.number('cold-selected', 'data-looks');
  expect(looks).toBeGreaterThan(0);
  const { bytes } = await cold.downloaded(page.getByTestId('cold-tasks'));
  const { 'tasks.jsonl': tasks } = unzipSync(bytes);
  const answers = Buffer.from(tasks ?? [])
    .toString('utf8')
    .trim()
    .split('\n')
    .map(answered);
  // The first look is empty: the filter says so, and it is written by hand.
  const [first, ...others] = answers;
  const broken = { id: first?.id, text: first?.text.replace(/<back>.*<\/back>/, '<back> </back>') };
  await page.getByTestId('cold-import').setInputFiles({
    name: 'looks.jsonl',
    mimeType: 'application/jsonl',
    buffer: Buffer.from([broken, ...others].map((one) => JSON.stringify(one)).join('\n')),
  });
  await expect(page.getByTestId('cold-status')).toContainText(/imported/);
  await page.reload();
  expect(await cold.number('cold-written', 'data-written')).toBe(looks);
  await expect(page.getByTestId('cold-accepted')).toHaveAttribute('data-accepted', String(looks - 1));
  await expect(page.getByTestId('cold-rule').first()).toBeVisible();
  await page.getByTestId('cold-edit').click();
  await page.getByTestId('look-text').fill(first?.text ?? '');
  await page.getByTestId('look-keep').click();
  await expect(page.getByTestId('look-verdict')).toHaveText('It passes the filter.');
  await expect(page.getByTestId('cold-accepted')).toHaveAttribute('data-accepted', String(looks));
  await cold.save('Looks from a file');
  if (WHOLE) {
    await learn('Looks from a file', 'solution', 'Learnt from a file');
    await reward('Four sheets', 'Learnt from a file', 'Rewarded on four sheets');
    const asked = { count: '4', batch: '4', maxNewTokens: '24' };
    await cold.evaluate(asked, { adapter: 'Rewarded on four sheets', mode: 'solution', set: 'Four sheets' });
    await cold.evaluated(4);
    await page.reload();
    await cold.evaluated(4);
  }
  expect(cold.problems).toEqual([]);
});

/** What somebody who sees the picture of a task writes. */
function answered(line: string): { id: string; text: string } {
  const { id, opening } = JSON.parse(line) as { id: string; opening: string };
  const { facts, question, counts, answer } = drawSample({
    ...{ split: 'train', seed: 5, index: Number(id.replace('row-', '')) },
  });
  const look = `<back> ${backText(facts, question)} </back> <think> ${secondThought(question, counts)} </think>`;
  return { id, text: `${opening} ${look} ${boxed(answer)}` };
}
