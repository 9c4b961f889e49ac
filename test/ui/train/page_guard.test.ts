// Wake lock and the question before leaving: held exactly while a run is under way, asked again after the page was hidden.
import { signal } from '@preact/signals';
import { describe, expect, it } from 'vitest';
import { type GuardHost, guardRuns, holdPage } from '../../../src/ui/train/page_guard';

class FakeHost implements GuardHost {
  asked = 0;
  held = 0;
  hidden = false;
  refuse = false;
  readonly visibility = new Set<() => void>();
  readonly unload = new Set<(event: Event) => void>();

  async requestWakeLock() {
    this.asked += 1;
    if (this.refuse) throw new Error('refused');
    this.held += 1;
    let mine = 1;
    return {
      release: async () => {
        this.held -= mine;
        mine = 0;
      },
    };
  }

  visible = () => !this.hidden;
  onVisibility = (listener: () => void) => {
    this.visibility.add(listener);
    return () => this.visibility.delete(listener);
  };
  onBeforeUnload = (listener: (event: Event) => void) => {
    this.unload.add(listener);
    return () => this.unload.delete(listener);
  };

  async show(visible: boolean): Promise<void> {
    this.hidden = !visible;
    for (const listener of this.visibility) listener();
    await settled();
  }
}

const settled = () => new Promise((done) => setTimeout(done));

describe('holdPage', () => {
  it('holds one lock and lets go of everything', async () => {
    const host = new FakeHost();
    const end = holdPage(host);
    await settled();
    expect(host.held).toBe(1);
    const event = new Event('beforeunload', { cancelable: true });
    for (const listener of host.unload) listener(event);
    expect(event.defaultPrevented).toBe(true);
    end();
    await settled();
    expect([host.held, host.visibility.size, host.unload.size]).toEqual([0, 0, 0]);
  });

  it('asks again when the page is visible again, never while it is hidden', async () => {
    const host = new FakeHost();
    const end = holdPage(host);
    await settled();
    await host.show(false);
    expect(host.asked).toBe(1);
    await host.show(true);
    expect([host.asked, host.held]).toEqual([2, 1]);
    end();
  });

  it('gives back a lock that came after the end', async () => {
    const host = new FakeHost();
    holdPage(host)();
    await settled();
    expect([host.asked, host.held]).toEqual([1, 0]);
  });

  it('is silent about a refusal', async () => {
    const host = new FakeHost();
    host.refuse = true;
    const end = holdPage(host);
    await settled();
    end();
    expect(host.held).toBe(0);
  });
});

describe('guardRuns', () => {
  it('guards from a run’s begin to its end, once however often it is called', async () => {
    const host = new FakeHost();
    const train = { live: signal(false) };
    guardRuns(train, host);
    guardRuns(train, host);
    expect(host.unload.size).toBe(0);
    train.live.value = true;
    await settled();
    expect([host.unload.size, host.held]).toEqual([1, 1]);
    train.live.value = false;
    await settled();
    expect([host.unload.size, host.held]).toEqual([0, 0]);
  });
});
