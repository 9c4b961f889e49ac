// Segments of the method's format and of malformed text; any split of a text gives the same ones.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAnswerParser, parseAnswer, type Segment } from '../../src/answer/answer_grammar';
import { LOOK_TAGS, type LookTags } from '../../src/answer/look_tags';
import { SEGMENT_TEXT, splitsAgree } from '../harness/fuzz_properties';

/** kind:text of each segment, `…` for one that was not closed. */
function brief(segments: readonly Segment[]): string[] {
  return segments.map(({ kind, text, closed }) => `${kind}:${text}${closed ? '' : '…'}`);
}

const parse = (text: string): string[] => brief(parseAnswer(text).segments);

describe('segments of a text', () => {
  it('reads the format of the method', () => {
    const text =
      '<think>\nThree masts.</think>\n<back>The image shows 3.</back>\n<think>So 3.</think>\n\\boxed{3}';
    expect(parse(text)).toEqual([
      'think:\nThree masts.',
      'back:The image shows 3.',
      'think:So 3.',
      'answer:3',
    ]);
    expect(parseAnswer(text).answer).toBe('3');
  });

  const cases: [string, string[]][] = [
    ['', []],
    ['plain', ['text:plain…']],
    ['  \n ', []],
    ['Hi <think>a</think> so', ['text:Hi ', 'think:a', 'text: so…']],
    ['<back></back>', ['back:']],
    ['<back>', ['back:…']],
    ['<think>a', ['think:a…']],
    ['<think>a<back>b</back>c</think>', ['think:a…', 'back:b', 'text:c</think>…']],
    ['<think>a<think>b</think>', ['think:a…', 'think:b']],
    ['<think>a</back>b</think>', ['think:a</back>b']],
    ['a</think>b', ['text:a</think>b…']],
    ['<think>a<back>b</back><think>c</think>\\boxed{5}', ['think:a…', 'back:b', 'think:c', 'answer:5']],
    ['<Think>a</Think>', ['text:<Think>a</Think>…']],
    ['<think >a', ['text:<think >a…']],
    ['<<think>a<</think>', ['text:<', 'think:a<']],
    ['<think>1 < 2 <b> \\box</think>', ['think:1 < 2 <b> \\box']],
    ['<thin', ['text:<thin…']],
    ['</', ['text:</…']],
    ['\\boxed{\\frac{1}{2}} end', ['answer:\\frac{1}{2}', 'text: end…']],
    ['\\boxed{}', ['answer:']],
    ['\\boxed{a', ['text:\\boxed{a…']],
    ['so \\boxed{a', ['text:so \\boxed{a…']],
    ['so \\boxed{a <back>b</back>', ['text:so \\boxed{a ', 'back:b']],
    ['\\boxed{a</think>}', ['text:\\boxed{a</think>}…']],
    ['\\boxed{\\boxed{3}}', ['answer:\\boxed{3}']],
    ['<think>\\boxed{2}</think>', ['think:\\boxed{2}']],
    ['\\\\boxed{4}', ['text:\\', 'answer:4']],
    ['\\boxed{1}\\boxed{2}', ['answer:1', 'answer:2']],
    ['}{ \\boxed{1}', ['text:}{ ', 'answer:1']],
  ];
  it.each(cases)('%j', (text, expected) => expect(parse(text)).toEqual(expected));

  const answers: [string, string | null][] = [
    ['\\boxed{1} then \\boxed{ 2 }', '2'],
    ['\\boxed{1} then \\boxed{2', '1'],
    ['<think>\\boxed{7}', '7'],
    ['\\boxed{\\boxed{3}}', '3'],
    ['\\boxed{a{b}c}', 'a{b}c'],
    ['{ \\boxed{1}', '1'],
    ['\\boxed{{1}', null],
    ['\\boxed {1}', null],
    ['\\boxed\\boxed{1}', '1'],
    ['none', null],
    ['\\boxed{1} \\boxed{ }', null],
    ['<think> a </think> \\boxed{4} <back> \\boxed{7}', '7'],
  ];
  it.each(answers)('answer of %j', (text, expected) => expect(parseAnswer(text).answer).toBe(expected));

  it('marks every tag, also those that are text, and keeps tags with their segment', () => {
    const text = 'a</think><think>b</think> \\boxed{4}<back>c';
    const { tags, segments, box } = parseAnswer(text);
    expect(tags.map(({ start, end }) => text.slice(start, end))).toEqual([
      ...['</think>', '<think>', '</think>', '<back>'],
    ]);
    expect(segments.map(({ outerStart, outerEnd }) => text.slice(outerStart, outerEnd))).toEqual([
      ...['a</think>', '<think>b</think>', '\\boxed{4}', '<back>c'],
    ]);
    expect(text.slice(box?.outerStart, box?.outerEnd)).toBe('\\boxed{4}');
  });
});

describe('other tags of a look', () => {
  const others = Object.values(LOOK_TAGS);
  const written = (text: string, { open, close }: LookTags) =>
    text.replaceAll('<back>', open).replaceAll('</back>', close);
  const texts = [
    '<think>a</think> <back>b</back> <think>c</think> \\boxed{5}',
    '<think>a<back>b</back>c</think>',
    '<think>a</back>b</think>',
    'so \\boxed{a <back>b</back>',
    '<back><back></back></back>',
    '<<back>x</<back>',
    '<back>',
  ];

  it('are read as the method’s own are', () => {
    for (const look of others) {
      for (const text of texts) {
        const own = brief(parseAnswer(text).segments).map((part) => written(part, look));
        expect(brief(parseAnswer(written(text, look), look).segments), written(text, look)).toEqual(own);
      }
    }
  });

  it('leave every other tag a piece of text, and broken ones, too', () => {
    for (const look of others) {
      for (const other of others.filter((one) => one !== look)) {
        const text = `${other.open}a${other.close}`;
        expect(parseAnswer(text, look).tags, text).toEqual([]);
        expect(brief(parseAnswer(text, look).segments)).toEqual([`text:${text}…`]);
      }
      for (const broken of [
        look.open.slice(0, -1),
        look.open.slice(1),
        look.open.toUpperCase(),
        `<${look.word}/>`,
      ])
        expect(parseAnswer(`${broken}a`, look).tags, broken).toEqual([]);
    }
  });

  it('give the same segments however the text is cut', () => {
    for (const look of others) {
      const atoms = fc.constantFrom(
        ...[
          look.open,
          look.close,
          '<think>',
          '</think>',
          '\\boxed{',
          '}',
          '<',
          '>',
          '/',
          '-',
          ' ',
          look.word,
        ],
        ...[look.open.slice(0, 2), look.close.slice(0, -1), 'x'],
      );
      fc.assert(
        fc.property(fc.array(atoms, { maxLength: 12 }), fc.nat(80), (parts, at) => {
          const text = parts.join('');
          const parser = createAnswerParser(look);
          for (const piece of [text.slice(0, at), text.slice(at)]) parser.push(piece);
          parser.end();
          const { segments, tags, box } = parseAnswer(text, look);
          expect([parser.segments, parser.tags, parser.box]).toEqual([segments, tags, box]);
        }),
        { numRuns: 100 },
      );
    }
  });
});

// `npm run soak -- fuzz` runs the same properties many more times.
const RUNS = { numRuns: 1000 };

describe('properties', () => {
  it('gives the same segments for any split, at every prefix', () => {
    fc.assert(splitsAgree(), RUNS);
  });

  it('keeps offsets true, ordered and disjoint, and loses nothing but tags and blanks', () => {
    fc.assert(
      fc.property(SEGMENT_TEXT, (text) => {
        const { segments } = parseAnswer(text);
        let end = 0;
        let lost = '';
        for (const segment of segments) {
          expect(text.slice(segment.start, segment.end)).toBe(segment.text);
          expect(segment.start).toBeGreaterThanOrEqual(end);
          lost += text.slice(end, segment.start);
          end = segment.end;
        }
        lost += text.slice(end);
        expect(lost.replaceAll(/<\/?(think|back)>|\\boxed\{|[}\s]/g, '')).toBe('');
      }),
      RUNS,
    );
  });

  it('never shows text that later turns out to be a tag', () => {
    fc.assert(
      fc.property(SEGMENT_TEXT, (text) => {
        const parser = createAnswerParser();
        for (const char of text) {
          parser.push(char);
          const shown = parser.segments.at(-1);
          // Shown text of an open block or plain text ends before anything that could still become a tag.
          expect(shown?.text.endsWith('</thin') ?? false).toBe(false);
          expect(shown?.text.endsWith('<thin') ?? false).toBe(false);
        }
      }),
      { numRuns: 200 },
    );
  });

  it.each(['<', '\\', '{', '</think', '<think>', '\\boxed{'])('takes a million characters of %j', (unit) => {
    const text = unit.repeat(Math.ceil(1_000_000 / unit.length));
    const parser = createAnswerParser();
    const step = 50_000;
    for (let at = 0; at < text.length; at += step) parser.push(text.slice(at, at + step));
    parser.end();
    const shown = parser.segments.reduce((sum, { text: { length } }) => sum + length, 0);
    expect(shown).toBe(unit === '<think>' ? 0 : text.length);
  });
});
