// Matches module names against patterns of PEFT's adapter_config.json. These are regular expressions of a file that
// anybody may have written, so they run on an automaton whose time grows with pattern and name alone, never on RegExp,
// which some patterns keep busy for ever. It knows what such patterns are made of: names, ., \d, \w, \., [classes],
// groups, |, *, +, ?, ^ and $; for anything else a pattern is not understood.

/** A set of characters. */
type CharacterTest = (character: string) => boolean;

/** One instruction: take a character, go on at two places, hold only at an end of the name, or accept. */
type Instruction =
  | { readonly kind: 'take'; readonly test: CharacterTest }
  | { readonly kind: 'split'; readonly targets: readonly [number, number] }
  | { readonly kind: 'edge'; readonly edge: 'start' | 'end' }
  | { readonly kind: 'accept' };

/** A piece of program whose jumps are relative to its own first instruction. */
type Piece = readonly Instruction[];

const MAX_LENGTH = 1000;
const ESCAPED: Readonly<Record<string, CharacterTest>> = {
  d: (c) => /\d/.test(c),
  D: (c) => /\D/.test(c),
  w: (c) => /\w/.test(c),
  W: (c) => /\W/.test(c),
  s: (c) => /\s/.test(c),
  S: (c) => /\S/.test(c),
};

class NotUnderstood extends Error {}

function moved(piece: Piece, by: number): Instruction[] {
  return piece.map((each) =>
    each.kind === 'split' ? { ...each, targets: [each.targets[0] + by, each.targets[1] + by] } : each,
  );
}

function joined(...pieces: readonly Piece[]): Piece {
  const program: Instruction[] = [];
  for (const piece of pieces) program.push(...moved(piece, program.length));
  return program;
}

const jump = (to: number): Instruction => ({ kind: 'split', targets: [to, to] });

function either(a: Piece, b: Piece): Piece {
  const split: Instruction = { kind: 'split', targets: [1, a.length + 2] };
  const over = jump(b.length + 1);
  return joined([split], a).concat(moved([over], a.length + 1), moved(b, a.length + 2));
}

function repeated(piece: Piece, sign: string): Piece {
  const skip: Instruction = { kind: 'split', targets: [1, piece.length + (sign === '?' ? 1 : 2)] };
  if (sign === '?') return joined([skip], piece);
  const again: Instruction = {
    kind: 'split',
    targets: [sign === '*' ? 1 : 0, piece.length + (sign === '*' ? 2 : 1)],
  };
  return sign === '*' ? [...joined([skip], piece), again] : [...piece, again];
}

/** Reads a pattern from its first character to its last. */
class PatternReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): Piece {
    const piece = this.#alternatives();
    if (this.#at < this.#text.length) throw new NotUnderstood();
    return piece;
  }

  #next(): string {
    const character = this.#text[this.#at++];
    if (character === undefined) throw new NotUnderstood();
    return character;
  }

  #skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #alternatives(): Piece {
    let piece = this.#sequence();
    while (this.#skip('|')) piece = either(piece, this.#sequence());
    return piece;
  }

  #sequence(): Piece {
    const pieces: Piece[] = [];
    for (let c = this.#text[this.#at]; c !== undefined && c !== '|' && c !== ')'; c = this.#text[this.#at]) {
      let piece = this.#atom();
      const sign = this.#text[this.#at] ?? '';
      if ('*+?'.includes(sign) && sign !== '') {
        this.#at++;
        // Lazy or not, the same names match.
        this.#skip('?');
        piece = repeated(piece, sign);
      }
      pieces.push(piece);
    }
    return joined(...pieces);
  }

  #atom(): Piece {
    const c = this.#next();
    if (c === '(') return this.#group();
    if (c === '^') return [{ kind: 'edge', edge: 'start' }];
    if (c === '$') return [{ kind: 'edge', edge: 'end' }];
    if (c === '.') return [{ kind: 'take', test: () => true }];
    if (c === '[') return [{ kind: 'take', test: this.#characters() }];
    if (c === '\\') return [{ kind: 'take', test: this.#escaped() }];
    if ('*+?{'.includes(c)) throw new NotUnderstood();
    return [{ kind: 'take', test: (other) => other === c }];
  }

  #group(): Piece {
    if (this.#skip('?') && !this.#skip(':')) throw new NotUnderstood();
    const piece = this.#alternatives();
    if (!this.#skip(')')) throw new NotUnderstood();
    return piece;
  }

  #escaped(): CharacterTest {
    const c = this.#next();
    const known = ESCAPED[c];
    if (known) return known;
    if (/[A-Za-z0-9]/.test(c)) throw new NotUnderstood();
    return (other) => other === c;
  }

  #characters(): CharacterTest {
    const negated = this.#skip('^');
    const tests: CharacterTest[] = [];
    while (!this.#skip(']')) {
      const c = this.#next();
      const to = this.#text[this.#at + 1];
      if (c === '\\') tests.push(this.#escaped());
      else if (this.#text[this.#at] === '-' && to !== undefined && to !== ']') {
        this.#at += 2;
        tests.push((other) => c <= other && other <= to);
      } else tests.push((other) => other === c);
    }
    return (other) => tests.some((test) => test(other)) !== negated;
  }
}

/** Adds an instruction to a set, and those that it leads to without taking a character. */
function reach(program: Piece, first: number, at: number, length: number, set: Set<number>): void {
  const waiting = [first];
  for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
    if (set.has(index)) continue;
    set.add(index);
    const instruction = program[index];
    if (instruction?.kind === 'split') waiting.push(...instruction.targets);
    const holds = instruction?.kind === 'edge' && at === (instruction.edge === 'start' ? 0 : length);
    if (holds) waiting.push(index + 1);
  }
}

function matches(program: Piece, name: string): boolean {
  let states = new Set<number>();
  reach(program, 0, 0, name.length, states);
  for (let at = 0; at < name.length && states.size > 0; at++) {
    const character = name.charAt(at);
    const next = new Set<number>();
    for (const index of states) {
      const instruction = program[index];
      if (instruction?.kind === 'take' && instruction.test(character))
        reach(program, index + 1, at + 1, name.length, next);
    }
    states = next;
  }
  return [...states].some((index) => program[index]?.kind === 'accept');
}

/** A test of whole names for a regular expression; null for one that is not understood or is longer than 1,000 characters. */
export function wholeNameMatcher(pattern: string): ((name: string) => boolean) | null {
  if (pattern.length > MAX_LENGTH) return null;
  try {
    const program: Piece = [...new PatternReader(pattern).whole(), { kind: 'accept' }];
    return (name) => matches(program, name);
  } catch (error) {
    if (error instanceof NotUnderstood) return null;
    throw error;
  }
}
