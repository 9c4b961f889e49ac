// generate and generateBatch over scripted sessions: order of events, ends of all kinds, waves with uneven lengths.
import { describe, expect, it } from 'vitest';
import {
  GeneratedAnswer,
  type GenerationEvent,
  generate,
  generateBatch,
} from '../../src/generation/generate';
import { anyRequest, type Script, scriptedSession, wordDecoder } from './scripted_session';

const WORDS = [
  '',
  '<think>',
  ' so',
  ' 3.',
  ' </think>',
  ' <back>',
  ' red',
  ' </back>',
  ' \\boxed{',
  ' 12',
  ' }',
];
const EOS = 11;
const LOOK_BACK = [1, 2, 4, 5, 6, 6, 7, 1, 3, 4, 8, 9, 10, EOS];
const masses = (sequence: number, token: number) => [0, 0.01 * (token + 1) + 0.001 * sequence, 0, 1, 0];

async function run(
  script: Script,
  maxNewTokens: number,
  signal?: AbortSignal,
  capture = script.masses !== undefined,
) {
  const session = scriptedSession(script);
  const answer = new GeneratedAnswer(wordDecoder(WORDS));
  const mapLayers = script.map ? 1 : 0;
  const options = { eosTokenIds: [EOS], capture, mapLayers, batch: 1, signal };
  const events: GenerationEvent[] = [];
  const request = anyRequest(maxNewTokens);
  for await (const event of generate(session, request, options, answer)) events.push(event);
  return { session, answer, events };
}

describe('generate', () => {
  it('reports each token, then its attention with the next one', async () => {
    const map = (_: number, token: number) => [token, token, token, token];
    const { events, answer } = await run({ ids: [[2, 3, EOS]], masses, map }, 10);
    expect(events.map(({ type, step }) => `${type} ${step}`)).toEqual([
      'token 0',
      'attention 0',
      'token 1',
      'attention 1',
      'token 2',
    ]);
    expect(answer.text).toBe(' so 3.');
    expect(answer.finishReason).toBe('eos');
    expect(answer.ids).toEqual([2, 3, EOS]);
    expect(answer.attention.map(({ step }) => step)).toEqual([0, 1]);
    expect([...(answer.attention[1]?.map ?? [])]).toEqual([1, 1, 1, 1]);
    expect(answer.attention[1]?.shares.image).toBeCloseTo(0.02 / 1.02, 6);
  });

  it('runs one step more at the limit, for the attention of the last token', async () => {
    const { events, session, answer } = await run({ ids: [[2, 2, 2, 2]], masses }, 2);
    expect(events.at(-1)).toMatchObject({ type: 'attention', step: 1 });
    expect(answer.ids).toEqual([2, 2]);
    expect(answer.finishReason).toBe('length');
    expect(session.steps).toBe(2);
  });

  it('runs no step more than needed without capture', async () => {
    const { session, answer } = await run({ ids: [[2, 2, 2, 2]] }, 2);
    expect([session.steps, answer.ids.length]).toEqual([1, 2]);
  });

  it('maps segments to the tokens between their tags', async () => {
    const { answer } = await run({ ids: [LOOK_BACK] }, 50);
    expect(answer.reading().answer).toBe('12');
    expect(
      answer.segments().map(({ kind, tokenStart, tokenEnd, closed }) => [kind, tokenStart, tokenEnd, closed]),
    ).toEqual([
      ['think', 1, 2, true],
      ['back', 4, 6, true],
      ['think', 8, 9, true],
      ['answer', 11, 12, true],
    ]);
  });

  it('keeps the text when stopped in the middle', async () => {
    const controller = new AbortController();
    const onStep = (step: number) => {
      if (step === 4) controller.abort();
    };
    const { answer, session } = await run({ ids: [LOOK_BACK], onStep }, 50, controller.signal);
    expect(answer.finishReason).toBe('stopped');
    expect(answer.text).toBe('<think> so </think> <back> red');
    expect(session.steps).toBe(4);
    expect(answer.segments().at(-1)).toMatchObject({ kind: 'back', closed: false });
  });

  it('asks the session for nothing when stopped before it began', async () => {
    const { answer, events, session } = await run({ ids: [[2]] }, 5, AbortSignal.abort());
    expect([answer.finishReason, answer.text, events.length, session.steps]).toEqual(['stopped', '', 0, 0]);
  });

  it('takes an abort of the prompt pass as a stop, and any other failure as one', async () => {
    const controller = new AbortController();
    const onStep = () => {
      controller.abort();
      throw controller.signal.reason;
    };
    expect((await run({ ids: [[2]], onStep }, 5, controller.signal)).answer.finishReason).toBe('stopped');
    const broken = () => {
      throw new Error('lost');
    };
    await expect(run({ ids: [[2]], onStep: broken }, 5)).rejects.toThrow('lost');
  });

  it('keeps what arrived when the session fails in the middle', async () => {
    const session = scriptedSession({
      ids: [LOOK_BACK],
      onStep: (step) => {
        if (step === 3) throw new Error('device lost');
      },
    });
    const answer = new GeneratedAnswer(wordDecoder(WORDS));
    const options = { eosTokenIds: [EOS], capture: false, mapLayers: 0, batch: 1 };
    const consume = async () => {
      for await (const _ of generate(session, anyRequest(50), options, answer));
    };
    await expect(consume()).rejects.toThrow('device lost');
    expect(answer.text).toBe('<think> so </think>');
    expect(answer.finishReason).toBeNull();
  });
});

describe('generateBatch', () => {
  const options = {
    eosTokenIds: [EOS],
    capture: true,
    mapLayers: 0,
    batch: 4,
    createDecoder: () => wordDecoder(WORDS),
  };

  it('lets each sequence end by itself, in a batch that is not full', async () => {
    const session = scriptedSession({ ids: [[2, EOS], LOOK_BACK, [3, 3, 3, 3, 3, 3]], batch: 4, masses });
    const answers = await generateBatch(session, [anyRequest(20), anyRequest(20), anyRequest(4)], options);
    expect(answers.map(({ finishReason }) => finishReason)).toEqual(['eos', 'eos', 'length']);
    expect(answers.map(({ ids }) => ids.length)).toEqual([2, LOOK_BACK.length, 4]);
    expect(answers[1]?.reading().answer).toBe('12');
    expect(session.steps).toBe(LOOK_BACK.length - 1);
    // Attention of every token but the last, and of the right sequence.
    expect(answers.map(({ attention }) => attention.length)).toEqual([1, LOOK_BACK.length - 1, 3]);
    expect(answers[2]?.attention[0]?.shares.image).toBeCloseTo(0.012 / 1.012, 6);
  });

  it('answers in a batch as alone', async () => {
    const alone = await run({ ids: [LOOK_BACK], masses }, 20);
    const session = scriptedSession({ ids: [LOOK_BACK, [2, EOS]], batch: 4, masses });
    const [together] = await generateBatch(session, [anyRequest(20), anyRequest(20)], options);
    expect(together?.text).toBe(alone.answer.text);
    expect(together?.segments()).toEqual(alone.answer.segments());
    expect(together?.attention).toEqual(alone.answer.attention);
  });

  it('ends open answers as stopped on abort', async () => {
    const controller = new AbortController();
    const onStep = (step: number) => {
      if (step === 2) controller.abort();
    };
    const session = scriptedSession({ ids: [[2, EOS], LOOK_BACK], batch: 4, masses, onStep });
    const answers = await generateBatch(session, [anyRequest(20), anyRequest(20)], {
      ...options,
      signal: controller.signal,
    });
    expect(answers.map(({ finishReason }) => finishReason)).toEqual(['eos', 'stopped']);
    expect(answers[1]?.ids).toHaveLength(3);
  });

  it('ends an answer where it is told to, and lets the others go on', async () => {
    const session = scriptedSession({ ids: [LOOK_BACK, [2, 3, 3, EOS]], batch: 4, masses });
    const until = (answer: GeneratedAnswer) => answer.reading().triggered;
    const answers = await generateBatch(session, [anyRequest(20), anyRequest(20)], { ...options, until });
    expect(answers.map(({ finishReason }) => finishReason)).toEqual(['stopped', 'eos']);
    expect(answers[0]?.text).toBe('<think> so </think> <back>');
    expect(session.steps).toBe(3);
  });

  it('goes on behind the last answer with one request, never with several', async () => {
    const session = scriptedSession({ ids: [[2, EOS], [EOS]] });
    const passes: string[] = [];
    const watched: typeof session = {
      ...session,
      prefill: (...given) => {
        passes.push('whole');
        return session.prefill(...given);
      },
      prefillContinued: (...given) => {
        passes.push('continued');
        return session.prefillContinued(...given);
      },
    };
    const continues = { ...anyRequest(20), continues: true };
    await generateBatch(watched, [continues], options);
    await generateBatch(watched, [continues, continues], options);
    await generateBatch(watched, [anyRequest(20)], options);
    expect(passes).toEqual(['continued', 'whole', 'whole']);
  });

  it('refuses an empty wave', async () => {
    await expect(generateBatch(scriptedSession({ ids: [] }), [], options)).rejects.toThrow(/at least one/);
  });
});
