// The main journey: the page loads its model, answers a question token by token, stops, and answers again.
import { readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { sharedLookPage } from './look_page';

const shared = sharedLookPage();

test('load, ask, stop, regenerate, and nothing leaves the origin', async ({ baseURL }) => {
  const look = shared();
  const { page } = look;
  await expect(page.getByTestId('device')).toContainText('software');
  await expect(page.getByRole('button', { name: 'Ask', exact: true })).toBeDisabled();
  await look.chooseExample(0);
  const loaded = look.requests.length;

  await look.askAndWait();
  await expect(page.locator('.card-think').first()).toBeVisible();
  await expect(page.locator('.card-back')).toHaveCount(1);
  await expect(look.status).toHaveText(/^Answer: \d+\.$/);
  const boxed = await page.getByTestId('outcome').getAttribute('data-answer');
  expect(boxed?.trim()).toMatch(/^\d+$/);
  await expect(page.getByTestId('verdict')).toBeVisible();
  await expect(page.locator('[data-figure=speed] dd')).toHaveText(/^\d+\.\d tokens\/s$/);
  await expect(page.locator('[data-figure=first] dd')).toHaveText(/^[\d.]+ m?s$/);
  await expect(page.locator('[data-figure=device] dd')).toContainText('software');
  const first = await look.text();
  const tokens = await look.tokens();
  expect(tokens).toBeGreaterThan(20);

  // Greedy and the same seed: the same text.
  const again = page.getByRole('button', { name: 'Ask again', exact: true });
  await again.press('Enter');
  await look.settled();
  await expect.poll(() => look.text()).toBe(first);
  // Who works by keyboard goes on from there.
  await expect(again).toBeFocused();

  // Esc in the question stops at once; pressed by the page itself when the first token appears, as answers are fast.
  await page.evaluate(() => {
    const field = document.querySelector('#question');
    const stream = document.querySelector('.stream');
    const observer = new MutationObserver(() => {
      if (document.querySelector('[data-testid=answer]')?.getAttribute('data-status') !== 'running') return;
      observer.disconnect();
      field?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
    });
    if (stream) observer.observe(stream, { childList: true, subtree: true });
  });
  await look.question.press('Enter');
  await expect(page.getByTestId('outcome')).toHaveAttribute('data-reason', 'stopped');
  expect(await look.tokens()).toBeLessThan(tokens);
  await expect(look.status).toHaveText('Stopped.');

  // Another seed at temperature 1 is asked for and shown.
  await page.getByLabel('Temperature').fill('1');
  await page.getByLabel('Temperature').press('Tab');
  await page.getByRole('button', { name: 'Ask again with a new seed' }).press('Enter');
  await expect(page.locator('[data-figure=seed] dd')).not.toHaveText(/greedy/);
  await look.settled();
  const seed = await page.getByLabel('Seed', { exact: true }).inputValue();
  await expect(page.locator('[data-figure=seed] dd')).toHaveText(seed);

  const foreign = look.requests
    .map((request) => request.url())
    .filter((url) => !url.startsWith(`${baseURL}`));
  expect(foreign.filter((url) => !/^(blob|data):/.test(url))).toEqual([]);
  // Asking needs nothing from the server: all that came after loading was the example picture, and the page's icon, which
  // the browser asks for again when the address changes.
  const later = look.requests.slice(loaded).map((request) => request.url());
  expect(later.filter((url) => !/\/examples\/|\/icon\.svg$/.test(url))).toEqual([]);
  expect(look.problems).toEqual([]);
});

test('the length ends an answer, and Shift+Enter starts a new line', async () => {
  const look = shared();
  const { page } = look;
  await look.chooseExample(1);
  await page.getByLabel('Longest answer').fill('5');
  await page.getByLabel('Longest answer').press('Tab');
  await look.question.fill('Count the circles.');
  await look.question.press('End');
  await look.question.press('Shift+Enter');
  await look.question.pressSequentially('How many?');
  expect(await look.question.inputValue()).toBe('Count the circles.\nHow many?');
  await look.question.press('Enter');
  await expect(page.getByTestId('outcome')).toHaveAttribute('data-reason', 'length');
  expect(await look.tokens()).toBe(5);
  // A length out of range stays as it was typed, is marked with what it may be, and nothing is asked meanwhile.
  await page.getByLabel('Longest answer').fill('99999999');
  await page.getByLabel('Longest answer').press('Tab');
  await expect(page.getByLabel('Longest answer')).toHaveValue('99999999');
  await expect(page.getByLabel('Longest answer')).toHaveAttribute('aria-invalid', 'true');
  await expect(page.getByRole('button', { name: 'Ask', exact: true })).toBeDisabled();
  await page.getByLabel('Longest answer').fill('64');
  await page.getByLabel('Longest answer').press('Tab');
  await expect(page.getByRole('button', { name: 'Ask', exact: true })).toBeEnabled();
});

test('a dropped photograph: what the model receives, a suggested question, the look back and the verdict', async () => {
  const look = shared();
  const { page } = look;
  await page.getByLabel('Temperature').fill('0');
  await page.getByLabel('Longest answer').fill('');
  await look.question.fill('');
  await look.drop('wine.jpg', 'image/jpeg', readFileSync('test/fixtures/photographs/wine.jpg'));
  await expect(page.getByRole('img', { name: /^The picture wine\.jpg/ })).toBeVisible();
  await expect(look.question).toHaveValue(/^How many cells are mostly \w+\? Add 4\.$/);

  await page.getByTestId('model-view').check();
  const words = page.getByTestId('cell-words').getByRole('cell');
  await expect(words).toHaveCount(16);
  await expect(words.first()).toHaveText(
    /^a1 (brown|black|grey|white|orange|yellow|red|pink|green|blue|purple|unclear)$/,
  );
  const suggestion = page.locator('.chips button').nth(1);
  const suggested = (await suggestion.textContent()) ?? '';
  await suggestion.click();
  await expect(look.question).toHaveValue(suggested);
  await look.askAndWait();
  await expect(page.locator('.card-back')).toHaveCount(1);
  await expect(page.getByTestId('verdict')).toHaveText(
    /^(Right|Wrong): the true answer is \d+\. Computed from the pixels that the model receives\.$/,
  );
  await expect(words).toHaveCount(16);
  await page.getByTestId('model-view').uncheck();
});

test('a sheet is composed by keyboard and asked about', async () => {
  const look = shared();
  const { page } = look;
  await page.getByTestId('compose').press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Draw a sheet' });
  await dialog.getByRole('radio', { name: 'star' }).press(' ');
  await dialog.getByRole('radio', { name: 'blue' }).press(' ');
  await dialog.getByRole('button', { name: 'a1: empty' }).press('Enter');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(dialog.getByRole('button', { name: 'b2: blue star' })).toBeFocused();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Control+z');
  await expect(dialog.getByRole('button', { name: 'b3: empty' })).toBeVisible();
  await page.getByTestId('use-sheet').press('Enter');
  await expect(dialog).toHaveCount(0);
  await expect(look.question).toHaveValue('How many blue objects?');

  // Any question that can be read has a true answer, as it is known what was drawn.
  await look.question.fill('How many blue stars? Add 5.');
  await look.question.press('Enter');
  await look.settled();
  await expect(page.getByTestId('verdict')).toHaveText(/^(Right|Wrong): the true answer is 7\.$/);
  expect(look.problems).toEqual([]);
});

test('a word that the model does not know is named while one types, and mended by one press', async () => {
  const look = shared();
  const { page } = look;
  await look.question.fill('How many red circels?');
  const unknown = page.getByTestId('unknown-words');
  await expect(unknown).toContainText('circels');
  await expect(page.locator('.question-marks mark')).toHaveText(['circels']);
  await page.getByRole('button', { name: /^Write “circles” instead/ }).click();
  await expect(look.question).toHaveValue('How many red circles?');
  await expect(unknown).toBeEmpty();
});

test('a question of which no word can be read is asked only after a yes', async () => {
  const look = shared();
  const { page } = look;
  await look.question.fill('Pourquoi');
  await expect(page.getByTestId('unknown-words')).toContainText('pourquoi');
  const before = await look.text();
  await look.ask();
  await expect(page.getByRole('dialog')).toContainText('no word');
  await page.getByTestId('confirm-no').click();
  expect(await look.text()).toBe(before);
  await look.question.press('Enter');
  await page.getByTestId('confirm-yes').click();
  await expect(page.getByTestId('answer')).not.toHaveAttribute('data-status', 'waiting', { timeout: 30_000 });
  await look.settled();
});
