// The card of an error: its words, the one action that helps, and details without content of the user's.
import { fireEvent, screen } from '@testing-library/preact';
import { afterEach, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/lib/error_codes';
import { Notice } from '../../src/ui/notice';
import { route } from '../../src/ui/route';
import { settled } from '../state/train_script';
import { renderIn } from './page_script';
import { shelf } from './page_state';

afterEach(() => {
  route.value = 'look';
});

async function shown(code: ErrorCode, props: Partial<Parameters<typeof Notice>[0]> = {}) {
  const made = await shelf();
  renderIn(made, <Notice error={{ code, message: 'What happened.' }} {...props} />);
  return made;
}

const buttons = () => screen.queryAllByRole('button').map((one) => one.textContent);

describe('an error', () => {
  it('loads the model again where nothing else is to be tried', async () => {
    const { engine } = await shown('model/weights');
    const calls = engine.calls.filter((name) => name === 'load').length;
    fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
    await settled();
    expect(engine.calls.filter((name) => name === 'load')).toHaveLength(calls + 1);
  });

  it('does what trying again means where it stands, or offers nothing where it means nothing', async () => {
    let tried = 0;
    await shown('storage/busy', { retry: () => (tried += 1) });
    fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
    expect(tried).toBe(1);
  });

  it('offers nothing where trying again means nothing', async () => {
    await shown('storage/busy', { retry: null });
    expect(buttons()).toEqual(['Copy details']);
  });

  it('leads to the page that helps, unless it is that page', async () => {
    await shown('train/memory');
    expect(buttons()).toContain('Go to the run');
    route.value = 'train';
    await settled();
    expect(buttons()).not.toContain('Go to the run');
  });

  it('says which controls help, on which page', async () => {
    await shown('storage/full');
    const steps = screen.getAllByRole('listitem').map((one) => one.textContent);
    expect(steps[0]).toBe(
      'On the Library page, press “Export” for adapters to keep and “Delete” for adapters and runs that you do not need; for datasets, press “Delete” on the Data page.',
    );
  });

  it('can be dismissed where somebody listens', async () => {
    let gone = 0;
    await shown('adapter/base', { dismiss: () => (gone += 1) });
    fireEvent.click(screen.getByRole('button', { name: 'Dismiss' }));
    expect(gone).toBe(1);
  });

  it('has details with code, model and message', async () => {
    await shown('internal/unknown');
    const details = screen.getByText('Details for a report').closest('details');
    expect(details?.querySelector('pre')?.textContent).toMatch(
      /^code: internal\/unknown\nmessage: What happened\.\n[\s\S]*model: pocket/,
    );
  });
});
