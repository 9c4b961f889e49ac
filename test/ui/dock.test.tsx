// The engine's line: what is loading, why there is no model in one line, and a new version that waits for a run.
import { fireEvent, screen } from '@testing-library/preact';
import { afterEach, describe, expect, it } from 'vitest';
import { Dock } from '../../src/ui/dock';
import { newVersion } from '../../src/ui/offline';
import { settled, statusOf } from '../state/train_script';
import { renderIn } from './page_script';
import { shelf } from './page_state';

afterEach(() => {
  newVersion.value = null;
});

async function dock() {
  const made = await shelf();
  const { container } = renderIn(made, <Dock />);
  return { ...made, container };
}

describe('the line of the engine', () => {
  it('is not there while there is nothing to say', async () => {
    expect((await dock()).container.childElementCount).toBe(0);
  });

  it('says in its summary what went wrong, and the rest on a press; what helps is beside it', async () => {
    const { engine } = await dock();
    engine.emit({ type: 'failed', error: { code: 'gpu/no-adapter', message: 'None.' } });
    await settled();
    const alert = screen.getByRole('alert');
    expect(alert.dataset.code).toBe('gpu/no-adapter');
    const details = alert.querySelector('details');
    expect(details?.open).toBe(false);
    expect(details?.querySelector('summary')?.textContent).toContain('no graphics device answered');
    expect(details?.querySelectorAll('li').length).toBeGreaterThan(1);
    expect(screen.getByRole('button', { name: 'Try again' }).closest('details')).toBeNull();
  });

  it('offers a new version, but not while a run goes on', async () => {
    const { engine } = await dock();
    const sent: unknown[] = [];
    newVersion.value = { postMessage: (message: unknown) => sent.push(message) };
    await settled();
    const take = () => screen.getByRole<HTMLButtonElement>('button', { name: 'Take it' });
    for (const [state, waits] of [
      ['running', true],
      ['pausing', true],
      ['paused', false],
      ['preparing', true],
      ['finished', false],
    ] as const) {
      engine.emit(statusOf('r1', state, 3));
      await settled();
      expect([state, take().disabled]).toEqual([state, waits]);
    }
    Object.defineProperty(navigator, 'serviceWorker', { value: new EventTarget(), configurable: true });
    expect(sent).toEqual([]);
    fireEvent.click(take());
    expect(sent).toEqual(['activate']);
  });
});
