// What the journeys do on the Models page: choosing a hub and a model of it.
import { expect, type Page } from '@playwright/test';

/** Takes models from another address, with a token or without. */
export async function useHub(page: Page, address: string, token = ''): Promise<void> {
  const form = page.getByRole('form', { name: 'Hub and access' });
  if (!(await form.isVisible())) await page.getByText('Hub and access').click();
  await form.getByLabel('Address of the hub').fill(address);
  await form.getByLabel('Token').fill(token);
  await form.getByRole('button', { name: 'Use' }).click();
  await expect(form.getByText('In use.')).toBeVisible();
}

/** Chooses a model of the hub by its name. */
export async function lookUp(page: Page, id: string): Promise<void> {
  const form = page.getByRole('form', { name: 'Another model of the hub' });
  await form.getByLabel('Name on the hub').fill(id);
  await form.getByRole('button', { name: 'Look it up' }).click();
}
