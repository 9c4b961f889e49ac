// From chosen chains to examples: whose look counts, what is rejected and why, and what the mix holds.
import { describe, expect, it } from 'vitest';
import { chainOfThought } from '../../../src/data/world/oracle';
import { type KeptLook, openChains, oracleLooks } from '../../../src/lookback/cold_start/insertion';
import { coldStartReport, judgeLooks, mixRows } from '../../../src/lookback/cold_start/judged_examples';
import { problemOf, worldProblem } from '../../../src/lookback/cold_start/problem_source';
import { sampledProblem } from '../../../src/lookback/cold_start/rollouts';
import { selectChains } from '../../../src/lookback/cold_start/selection';
import { COLD_START_SETTINGS } from '../../../src/settings/cold_start_settings';
import { defaultsOf } from '../../../src/settings/read_settings';

const SETTINGS = { ...defaultsOf(COLD_START_SETTINGS), rollouts: 2 };

/** Questions that count on sheets; each is answered rightly once and wrongly once, some always rightly. */
function sampled() {
  const png = async () => new Blob(['png'], { type: 'image/png' });
  const sources = Array.from({ length: 40 }, (_, index) =>
    worldProblem({ seed: 3, textShare: 0, pictures: 'sheets' }, index, png),
  ).filter((source) => source.sample?.().kind === 'count');
  const problems = sources.map((source, index) => {
    const { question, counts } = source.sample!();
    const right = chainOfThought(question, counts);
    const wrong = chainOfThought(
      question,
      counts.map((count) => count + 1),
    );
    return sampledProblem(problemOf(source), index % 3 === 0 ? [right, right] : [right, wrong], 2);
  });
  return { sources: new Map(sources.map((source) => [source.id, source])), problems };
}

function opened(position: 'solution' | 'semantic') {
  const { sources, problems } = sampled();
  const selection = selectChains(problems, SETTINGS);
  return { selection, chains: openChains(selection.looks, sources, position) };
}

describe('judgeLooks', () => {
  it.each(['solution', 'semantic'] as const)('accepts every look of the oracle (%s)', (position) => {
    const { chains } = opened(position);
    expect(chains.length).toBeGreaterThan(5);
    const judged = judgeLooks(chains, [{ writer: 'oracle', looks: oracleLooks(chains, position) }]);
    expect(judged).toMatchObject({ written: chains.length, rejected: {} });
    expect(judged.rows).toHaveLength(chains.length);
    expect(judged.rows.some(({ wrongFirst }) => wrongFirst)).toBe(true);
    expect(judged.rows.every(({ reflects, writer }) => reflects && writer === 'oracle')).toBe(true);
  });

  it('counts what broke a rule, and takes the first try that breaks none', () => {
    const { chains } = opened('solution');
    const oracle = oracleLooks(chains, 'solution');
    const texts = chains.map(({ source }) => oracle.get(source.id)!.texts[0]!);
    const broken = texts.map((text) => text.replace(/<back>.*<\/back>/, '<back> ok </back>'));
    const looks = new Map(
      chains.map(({ source, opening }, at): [string, KeptLook] => {
        const tries = at % 2 === 0 ? [broken[at]!, texts[at]!] : [broken[at]!];
        return [source.id, { id: source.id, opening, texts: tries }];
      }),
    );
    const { rows, rejected } = judgeLooks(chains, [{ writer: 'self', looks }]);
    expect(rows.map(({ response }) => response)).toEqual(texts.filter((_, at) => at % 2 === 0));
    expect(rejected.empty?.count).toBe(chains.length - rows.length);
    expect(rejected.empty?.examples[0]).toMatchObject({ id: chains[1]!.source.id, text: broken[1] });
    expect(rejected.empty?.examples.length).toBeLessThanOrEqual(3);
  });

  it('tells looks of which none came to its end from looks that nobody asked for', () => {
    const { chains } = opened('solution');
    const oracle = oracleLooks(chains, 'solution');
    const [first, second] = chains;
    const looks = new Map([
      [first!.source.id, oracle.get(first!.source.id)!],
      [second!.source.id, { id: second!.source.id, opening: second!.opening, texts: [] }],
    ]);
    expect(judgeLooks(chains, [{ writer: 'self', looks }])).toMatchObject({
      written: 1,
      cutOff: 1,
      rejected: {},
    });
  });

  it('takes the first writer that wrote for this opening, and passes over looks for another', () => {
    const { chains } = opened('solution');
    const oracle = oracleLooks(chains, 'solution');
    const [first, second] = chains;
    const own = oracle.get(first!.source.id)!;
    const stale = { ...oracle.get(second!.source.id)!, opening: '<think> other </think>' };
    const hand = new Map([own, stale].map((look) => [look.id, look]));
    const { rows } = judgeLooks(chains, [
      { writer: 'hand', looks: hand },
      { writer: 'oracle', looks: oracle },
    ]);
    expect(rows.slice(0, 2).map(({ writer }) => writer)).toEqual(['hand', 'oracle']);
    const alone = judgeLooks(chains, [{ writer: 'hand', looks: hand }]);
    expect(alone.written).toBe(1);
  });
});

describe('mixRows', () => {
  it('mixes looks with plain chains, and the report counts them', () => {
    const { chains, selection } = opened('solution');
    const judged = judgeLooks(chains, [{ writer: 'oracle', looks: oracleLooks(chains, 'solution') }]);
    const rows = mixRows(judged.rows, selection, { reflectionRate: 0.5, examples: 6, seed: 1 });
    expect(rows).toHaveLength(6);
    expect(rows.filter(({ reflects }) => reflects)).toHaveLength(3);
    expect(rows.find(({ reflects }) => !reflects)).toMatchObject({ writer: null, wrongFirst: false });
    expect(coldStartReport(selection, judged, rows)).toMatchObject({
      selected: chains.length,
      written: chains.length,
      accepted: chains.length,
      examples: 6,
      lookingBack: 3,
    });
  });
});
