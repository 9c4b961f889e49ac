// engine_events: order, one batch per frame, tokens of a frame together with the segments as they are at its end.
import { describe, expect, it } from 'vitest';
import { EventQueue } from '../../../src/services/answers/engine_events';
import type { Segment, TokenFact } from '../../../src/worker/protocol/answers';
import type { EventBatch } from '../../../src/worker/protocol/messages';

const token = (step: number): TokenFact => ({
  step,
  id: step,
  text: `t${step}`,
  shares: null,
  map: null,
  atMs: step,
});
const shares = { image: 0.1, query: 0.2, generated: 0.3 };

function queue() {
  const frames: (() => void)[] = [];
  const batches: EventBatch[] = [];
  const events = new EventQueue((task) => frames.push(task));
  const port = { postMessage: (batch: EventBatch) => batches.push(batch) };
  const frame = () => frames.shift()?.();
  return { events, port, batches, frame, frames };
}

describe('EventQueue', () => {
  it('sends one batch per frame, in order', () => {
    const { events, port, batches, frame, frames } = queue();
    events.connect(port);
    events.push({ type: 'stateChanged', state: 'loading' });
    events.push({ type: 'stateChanged', state: 'ready' });
    expect(batches).toHaveLength(0);
    expect(frames).toHaveLength(1);
    frame();
    expect(batches).toHaveLength(1);
    expect(batches[0]).toMatchObject({ version: 5, events: [{ state: 'loading' }, { state: 'ready' }] });
    frame();
    expect(batches).toHaveLength(1);
  });

  it('joins the tokens of a frame and puts their attention after them', () => {
    const { events, port, batches, frame } = queue();
    events.connect(port);
    const segments: Segment[] = [];
    const grow = () => [...segments];
    events.pushToken(token(0), grow);
    events.pushAttention(0, shares, new Float32Array(1));
    events.pushToken(token(1), grow);
    segments.push({
      ...{ kind: 'think', start: 0, end: 2, outerStart: 0, outerEnd: 2 },
      ...{ tokenStart: 0, tokenEnd: 1, closed: false },
    });
    frame();
    expect(batches[0]?.events.map(({ type }) => type)).toEqual(['tokensGenerated', 'attentionRecorded']);
    expect(batches[0]?.events[0]).toMatchObject({
      tokens: [{ step: 0 }, { step: 1 }],
      segments: [{ kind: 'think' }],
    });
  });

  it('keeps other events between tokens where they were reported', () => {
    const { events, port, batches } = queue();
    events.connect(port);
    events.pushToken(token(0), () => []);
    events.push({ type: 'deviceLost', message: 'x', recovering: true });
    events.pushAttention(0, shares, new Float32Array(1));
    events.flush();
    expect(batches[0]?.events.map(({ type }) => type)).toEqual([
      'tokensGenerated',
      'deviceLost',
      'attentionRecorded',
    ]);
  });

  it('holds what was reported before there was a port', () => {
    const { events, port, batches, frame } = queue();
    events.push({ type: 'stateChanged', state: 'idle' });
    frame();
    events.connect(port);
    expect(batches).toHaveLength(1);
    events.flush();
    expect(batches).toHaveLength(1);
  });
});
