// A model with the vocabulary of Qwen's own tokenizer in the built page: tags that are split over several tokens become
// cards with their attention, and a follow-up goes on from the answer about the same picture.

import { readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { SPLIT_TAGS, scriptedCheckpoint } from '../harness/scripted_checkpoint';
import { startHub, type TestHub } from '../hub/hub_server';
import { LookPage } from './look_page';
import { lookUp, useHub } from './models_page';

const FILES = [
  'config.json',
  'generation_config.json',
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'model.safetensors',
];

let hub: TestHub;
test.beforeAll(async () => {
  const model = await scriptedCheckpoint(SPLIT_TAGS);
  const contents = await Promise.all(
    FILES.map(async (name): Promise<[string, Uint8Array]> => {
      const source = await model.open(name);
      if (source === null) throw new Error(`${name} is missing`);
      return [name, await source.read(0, source.size)];
    }),
  );
  hub = await startHub({ 'scripted/talker': Object.fromEntries(contents) });
});
test.afterAll(() => hub.close());

test('a real vocabulary streams as cards, and the conversation goes on', async ({ page }) => {
  test.setTimeout(240_000);
  const look = new LookPage(page);
  await look.ready();
  await page.getByTestId('nav-models').click();
  await useHub(page, hub.endpoint.href);
  await lookUp(page, 'scripted/talker');
  await page.getByTestId('bring').click({ timeout: 60_000 });
  await expect(look.status).toHaveText('scripted/talker is ready.', { timeout: 120_000 });

  await page.getByRole('link', { name: 'Go to the Look page' }).click();
  await look.upload('coffee.jpg', 'image/jpeg', readFileSync('test/fixtures/photographs/coffee.jpg'));
  // This model sees no cells of colour: nothing of them is suggested.
  await expect(page.getByRole('img', { name: /^The picture coffee\.jpg/ })).toBeVisible();
  await expect(look.question).toHaveValue('');
  await expect(page.locator('.chips button').first()).toHaveText('What is in this picture?');
  await look.question.fill('How many cups?');
  await expect(page.getByLabel('Follow up on this answer')).toHaveCount(0);
  await look.askAndWait();
  await expect(page.locator('.card-think .card-text')).toHaveText('<think>I see two.</think>');
  await expect(page.locator('.card-back .card-text')).toHaveText('<back>three!</back>');
  await expect(page.getByTestId('outcome')).toHaveAttribute('data-answer', '3');
  expect(await look.tokens()).toBe(SPLIT_TAGS.length + 1);
  await page.getByRole('button', { name: /^Select the steps of Look back/ }).click();
  // A token that ends one tag and begins the next belongs to the card of its first character.
  expect(await look.ranges()).toEqual(['8-14', '8-14', '8-14']);

  const follow = page.getByLabel('Follow up on this answer');
  await follow.check();
  await expect(page.getByText('The conversation so far (one turn)')).toBeVisible();
  await look.question.fill('Are you sure?');
  await look.askAndWait();
  await expect(page.getByTestId('outcome')).toHaveAttribute('data-answer', '3');
  await page.getByText('The conversation so far (2 turns)').click();
  await expect(page.locator('.follow-up dt')).toHaveText(['How many cups?', 'Are you sure?']);
  // Another picture begins another conversation.
  await look.upload('wine.jpg', 'image/jpeg', readFileSync('test/fixtures/photographs/wine.jpg'));
  await expect(follow).toHaveCount(0);
  expect(look.problems).toEqual([]);
});
