// A question about several pictures: chosen together, put into another order, one added and one taken out; each with its
// own heatmap, in the answer, in the conversation, and for a model that looks at one picture only.

import { readFileSync } from 'node:fs';
import { expect, type Page, test } from '@playwright/test';
import { familyCheckpoint } from '../harness/family_checkpoint';
import { startHub, type TestHub } from '../hub/hub_server';
import { LookPage } from './look_page';
import { lookUp, useHub } from './models_page';

const ID = 'tiny/qwen2_5_vl';
const photograph = (name: string) => ({
  name,
  mimeType: 'image/jpeg',
  buffer: readFileSync(`test/fixtures/photographs/${name}`),
});

let hub: TestHub;
test.beforeAll(async () => {
  const files = await familyCheckpoint('tiny-qwen2_5_vl', 'tokenizer-qwen2');
  hub = await startHub({ [ID]: Object.fromEntries(files) });
});
test.afterAll(() => hub.close());

/** Names of the pictures in their order. */
const shown = (page: Page) => page.locator('.several-name').allTextContents();

test('several pictures in one question', async ({ page }) => {
  test.setTimeout(240_000);
  const look = new LookPage(page);
  await look.ready();
  const picker = page.getByTestId('choose-picture');
  const two = [photograph('coffee.jpg'), photograph('wine.jpg')];

  // Pocket looks at one, and says so.
  await picker.setInputFiles(two);
  const notice = page.locator('.notice[data-code="data/picture-count"]');
  await expect(notice).toContainText('one picture at a time');
  await expect(notice).toContainText('Left out: wine.jpg');
  await expect(page.getByRole('img', { name: /^The picture coffee\.jpg/ })).toBeVisible();
  await expect(page.getByTestId('add-picture')).toHaveCount(0);

  await page.getByTestId('nav-models').click();
  await useHub(page, hub.endpoint.href);
  await lookUp(page, ID);
  await page.getByTestId('bring').click({ timeout: 60_000 });
  await expect(look.status).toHaveText(`${ID} is ready.`, { timeout: 60_000 });
  await page.getByRole('link', { name: 'Go to the Look page' }).click();

  await picker.setInputFiles(two);
  await expect(notice).toHaveCount(0);
  await expect.poll(() => shown(page)).toEqual(['coffee.jpg', 'wine.jpg']);
  await page.getByRole('button', { name: 'Move image 2 forward' }).click();
  await expect.poll(() => shown(page)).toEqual(['wine.jpg', 'coffee.jpg']);
  await expect(page.locator('.chips button').first()).toContainText('image 1 and image 2');
  await look.question.fill('Is image 1 like image 2?');
  await page.getByLabel('Longest answer').fill('6');
  await page.getByLabel('Most image tokens').fill('64');
  await look.askAndWait();
  const first = await look.text();

  // So small, even two photographs fit a link, with some loss.
  await page.getByTestId('share').click();
  const link = await page.getByTestId('share-link').inputValue();
  expect(new URL(link).hash.length).toBeLessThanOrEqual(8192);
  await expect(page.getByRole('dialog')).toContainText('compressed with a little loss');
  await page.getByRole('button', { name: 'Close' }).click();

  // One map for each; together they are what falls on the images.
  await expect(look.heatmap).toHaveCount(2);
  const maps = await look.heatmap.evaluateAll((all) =>
    all.map((each) => [Number(each.getAttribute('data-sum')), each.getAttribute('data-grid')] as const),
  );
  for (const [sum] of maps) expect(sum).toBeGreaterThan(0);
  const share = Number(await look.sentence.getAttribute('data-image-share'));
  expect((maps[0]?.[0] ?? 0) + (maps[1]?.[0] ?? 0)).toBeLessThanOrEqual(share + 0.001);
  expect(maps[0]?.[1]).not.toBe(maps[1]?.[1]);
  await expect(look.sentence).toContainText(/on the images, [\d.]+ % of it on image 1 \(.+\), [\d.]+ %/);
  await expect(page.locator('.prompt-notes')).toContainText('image 2: Read at');

  // One token in every layer and head: the heads' maps differ, and their mean is what was recorded.
  await look.leaveFields();
  await page.keyboard.press('ArrowLeft');
  const recorded = await look.sentence.textContent();
  const sums = async () => {
    await look.drawn();
    return look.heatmap.evaluateAll((all) => all.map((each) => Number(each.getAttribute('data-sum'))));
  };
  const mean = await sums();
  await page.getByText('Layers and heads', { exact: true }).click();
  await page.getByTestId('heads-fetch').click();
  await expect(page.getByTestId('heads-part')).toContainText('mean of all', { timeout: 60_000 });
  await expect(look.sentence).toHaveText(recorded ?? '');
  const layers = page.getByTestId('heads-layer');
  const heads = page.getByTestId('heads-head');
  await expect(layers.getByRole('option')).toHaveCount(4);
  await heads.selectOption({ label: '6' });
  await expect(look.sentence).toContainText('all layers, head 6:');
  const ofLayers: number[][] = [];
  await heads.selectOption('');
  for (const layer of ['1', '2', '3']) {
    await layers.selectOption({ label: layer });
    await expect(look.sentence).toContainText(`layer ${layer}, all heads:`);
    ofLayers.push(await sums());
  }
  // Four digits are shown of each.
  mean.forEach((sum, at) => {
    const all = ofLayers.reduce((total, one) => total + (one[at] ?? 0), 0) / 3;
    expect(Math.abs(all - sum)).toBeLessThan(2e-4);
  });
  await layers.selectOption('');
  await expect(look.sentence).toHaveText(recorded ?? '');

  // The conversation goes on about the same pictures; in another order they are others.
  const follow = page.getByLabel('Follow up on this answer');
  await follow.check();
  await look.question.fill('Why?');
  await look.askAndWait();
  await expect(page.getByText('The conversation so far (2 turns)')).toBeVisible();
  await page.getByRole('button', { name: 'Move image 1 back' }).click();
  await expect(follow).toHaveCount(0);
  await expect(look.answer).toHaveAttribute('data-earlier', 'picture');
  await look.question.fill('Is image 1 like image 2?');
  await look.askAndWait();
  expect(first).not.toBe('');

  // A third one is added, and two are taken out again.
  await page.getByTestId('add-picture').setInputFiles(photograph('wine.jpg'));
  await expect.poll(() => shown(page)).toHaveLength(3);
  await page.getByRole('button', { name: 'Remove image 3' }).press('Enter');
  // What was pressed is gone; who works by keyboard goes on from its neighbour.
  await expect(page.locator('.several-pictures li').nth(1).locator(':focus')).toHaveCount(1);
  await page.getByRole('button', { name: 'Remove image 1' }).click();
  await expect(page.getByTestId('several-pictures')).toHaveCount(0);
  await expect(page.getByRole('img', { name: /^The picture wine\.jpg/ })).toBeVisible();

  // A row of a dataset holds one picture.
  await picker.setInputFiles(two);
  await expect.poll(() => shown(page)).toEqual(['coffee.jpg', 'wine.jpg']);
  await look.askAndWait();
  await page.getByTestId('add-to-dataset').click();
  await expect(page.getByTestId('add-several')).toContainText('this answer is about 2');
  await page.keyboard.press('Escape');

  // Pocket is asked about fewer.
  await page.getByRole('combobox', { name: 'Model' }).selectOption('pocket');
  await expect(look.status).toHaveText(/pocket is ready\./i, { timeout: 60_000 });
  await expect(page.locator('#ask-hint')).toContainText('one picture: remove the others');
  await expect(page.getByRole('button', { name: 'Ask', exact: true })).toBeDisabled();
  expect(look.problems).toEqual([]);
});
