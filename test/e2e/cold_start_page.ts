// Holds what the journeys about building a cold start do: open the builder, fill its form, change a stage, save. A wait is
// for a state that the page shows.

import { expect } from '@playwright/test';
import { TrainPage } from './train_page';

/** Sampling takes long where a model is compiled by a software adapter. */
const SAMPLING_TIMEOUT = 120_000;

/** The pages about cold starts as the journeys use them. */
export class ColdStartPage extends TrainPage {
  async openBuilder(): Promise<void> {
    await this.go('data');
    await this.page.getByTestId('cold-start-link').click();
    await expect(this.page.getByTestId('cold-start-page')).toBeVisible();
  }

  /** Fills the form by names of settings and starts asking. */
  async begin(fields: Readonly<Record<string, string>>, set?: string): Promise<void> {
    const { page } = this;
    if (set !== undefined) {
      const option = page.getByTestId('cold-source').locator('option', { hasText: set });
      await page.getByTestId('cold-source').selectOption(await option.getAttribute('value'));
    }
    for (const [id, value] of Object.entries(fields)) await this.set(id, value);
    await page.getByTestId('cold-begin').click();
  }

  /** Waits until all questions are answered and nothing is asked any more. */
  async answered(count: number): Promise<void> {
    const done = this.page.getByTestId('cold-rollouts-done');
    await expect(done).toHaveAttribute('data-done', String(count), { timeout: SAMPLING_TIMEOUT });
    await expect(this.page.getByTestId('cold-save')).toBeVisible();
    await expect(this.page.getByTestId('cold-pause')).toHaveCount(0);
  }

  /** Sets a setting of the form or of a stage, and waits until it is taken over. */
  async set(id: string, value: string): Promise<void> {
    const control = this.page.locator(`[data-field="${id}"]`);
    await expect(control).toBeEnabled();
    if ((await control.evaluate(({ tagName }) => tagName)) === 'SELECT') await control.selectOption(value);
    else {
      await control.fill(value);
      await control.blur();
    }
    await expect(control).toHaveValue(value);
    await expect(this.page.getByTestId('cold-start-page')).toHaveAttribute('aria-busy', 'false');
  }

  async number(testid: string, attribute: string): Promise<number> {
    return Number(await this.page.getByTestId(testid).getAttribute(attribute));
  }

  async save(name: string): Promise<void> {
    await this.page.getByTestId('cold-name').fill(name);
    await this.page.getByTestId('cold-save').click();
    await expect(this.page.getByTestId('cold-status')).toContainText(`“${name}” was saved`);
  }

  async discard(): Promise<void> {
    await this.page.getByTestId('cold-discard').click();
    await this.page.getByTestId('confirm-yes').click();
    await expect(this.page.getByTestId('cold-begin')).toBeVisible();
  }
}
