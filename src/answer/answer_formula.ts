// Brings a formula of letters, numbers and roots into one form, so that `x + 1` equals `1 + x` and `3√2/2` equals
// `(3√2)/2`: sums of products with exact fractions in front, everything harder (roots, functions, other divisors)
// kept as one symbol. What could be read in two ways, such as `1/2x` or `f(x)`, and words are no formula here.
// Bounded: few terms, small exponents, shallow nesting; anything beyond is left to be compared as text.

const MAX_LENGTH = 200;
const MAX_TERMS = 64;
const MAX_EXPONENT = 64;
const MAX_POWER = 8;
const MAX_DEPTH = 24;
const MAX_DIGITS = 200;

const FUNCTIONS: ReadonlySet<string> = new Set(['sqrt', 'sin', 'cos', 'tan', 'log', 'ln']);
/** Runs of these letters are products of variables; other runs are words. */
const VARIABLES = /^[xyz]{2,3}$/;

/** Thrown inside, never out of this file: the text is no formula that can be brought into one form. */
class NoFormula extends Error {}

interface Term {
  /** Symbols with their exponents, none of them 0. */
  readonly powers: ReadonlyMap<string, number>;
  readonly top: bigint;
  readonly bottom: bigint;
}

type Sum = readonly Term[];

function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

function term(powers: ReadonlyMap<string, number>, top: bigint, bottom: bigint): Term {
  if (bottom === 0n) throw new NoFormula();
  const common = gcd(top, bottom) * (bottom < 0n ? -1n : 1n);
  const lean: Term = { powers, top: top / common, bottom: bottom / common };
  if (`${lean.top}`.length + `${lean.bottom}`.length > MAX_DIGITS) throw new NoFormula();
  return lean;
}

function monomialKey({ powers }: Term): string {
  return [...powers]
    .map(([symbol, exponent]) => `${symbol}^${exponent}`)
    .sort()
    .join('*');
}

function add(...sums: readonly Sum[]): Sum {
  const found = new Map<string, Term>();
  for (const next of sums.flat()) {
    const key = monomialKey(next);
    const before = found.get(key);
    const top = before === undefined ? next.top : before.top * next.bottom + next.top * before.bottom;
    found.set(key, term(next.powers, top, before === undefined ? next.bottom : before.bottom * next.bottom));
  }
  const kept = [...found.values()].filter(({ top }) => top !== 0n);
  if (kept.length > MAX_TERMS) throw new NoFormula();
  return kept;
}

function multiply(a: Sum, b: Sum): Sum {
  if (a.length * b.length > MAX_TERMS * 4) throw new NoFormula();
  return add(
    a.flatMap((left) =>
      b.map((right) => {
        const powers = new Map(left.powers);
        for (const [symbol, exponent] of right.powers) {
          const sum = (powers.get(symbol) ?? 0) + exponent;
          if (Math.abs(sum) > MAX_EXPONENT) throw new NoFormula();
          if (sum === 0) powers.delete(symbol);
          else powers.set(symbol, sum);
        }
        return term(powers, left.top * right.top, left.bottom * right.bottom);
      }),
    ),
  );
}

function symbolOf(name: string): Sum {
  return [{ powers: new Map([[name, 1]]), top: 1n, bottom: 1n }];
}

function negate(sum: Sum): Sum {
  return sum.map(({ powers, top, bottom }) => ({ powers, top: -top, bottom }));
}

function invert(sum: Sum): Sum {
  const [only] = sum;
  if (only === undefined) throw new NoFormula();
  if (sum.length > 1) return [{ powers: new Map([[`(${keyOf(sum)})`, -1]]), top: 1n, bottom: 1n }];
  const powers = new Map([...only.powers].map(([symbol, exponent]) => [symbol, -exponent]));
  return [term(powers, only.bottom, only.top)];
}

function raise(base: Sum, exponent: Sum): Sum {
  const [only] = exponent;
  const whole =
    exponent.length === 1 && only?.powers.size === 0 && only.bottom === 1n ? Number(only.top) : null;
  // A power by a letter or a fraction is a symbol of its own.
  if (whole === null) return symbolOf(`(${keyOf(base)})^(${keyOf(exponent)})`);
  const limit = base.length === 1 ? MAX_EXPONENT : MAX_POWER;
  if (whole === 0 || Math.abs(whole) > limit) throw new NoFormula();
  let result = base;
  for (let i = 1; i < Math.abs(whole); i++) result = multiply(result, base);
  return whole < 0 ? invert(result) : result;
}

function keyOf(sum: Sum): string {
  return sum
    .map((one) => `${one.top}/${one.bottom}*${monomialKey(one)}`)
    .sort()
    .join('+');
}

const TOKEN = / ?(\d+(?:\.\d+)?|\p{L}+|[-+*/^()\u2044])/uy;

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const found = TOKEN.exec(text)?.[1];
    if (found === undefined) throw new NoFormula();
    // `x2` may be an index, a lost exponent or a product.
    if (/^\d/.test(found) && /[\p{L})]/u.test(tokens.at(-1) ?? '')) throw new NoFormula();
    if (/^\d/.test(found) && /^\d/.test(tokens.at(-1) ?? '') && text[at] === ' ') throw new NoFormula();
    tokens.push(found);
  }
  return tokens;
}

/** A recursive descent over the tokens of one formula. */
class FormulaReader {
  private readonly tokens: readonly string[];
  private at = 0;
  private depth = 0;
  /** Whether something besides letters, plus and minus was seen: `A - B - C` may be a path. */
  isMathematics = false;

  constructor(text: string) {
    this.tokens = tokensOf(text);
  }

  read(): Sum {
    const sum = this.sum();
    if (this.at < this.tokens.length) throw new NoFormula();
    return sum;
  }

  private get next(): string | undefined {
    return this.tokens[this.at];
  }

  private take(token: string): boolean {
    if (this.next !== token) return false;
    this.at += 1;
    return true;
  }

  private sum(): Sum {
    if (++this.depth > MAX_DEPTH) throw new NoFormula();
    const negative = this.take('-');
    if (!negative) this.take('+');
    const first = this.product();
    let total = negative ? negate(first) : first;
    for (;;) {
      if (this.take('+')) total = add(total, this.product());
      else if (this.take('-')) total = add(total, negate(this.product()));
      else break;
    }
    this.depth -= 1;
    return total;
  }

  private product(): Sum {
    let result = this.power();
    let divided = false;
    for (;;) {
      if (this.take('*')) {
        if (divided) throw new NoFormula();
        result = multiply(result, this.power());
      } else if (this.take('/')) {
        if (divided) throw new NoFormula();
        divided = true;
        this.isMathematics = true;
        result = multiply(result, invert(this.power()));
      } else if (this.next !== undefined && /^[\p{L}(]/u.test(this.next)) {
        // `1/2x` is read in two ways by people, so it is not read here.
        if (divided) throw new NoFormula();
        result = multiply(result, this.power());
      } else return result;
    }
  }

  private power(): Sum {
    const base = this.atom();
    if (!this.take('^')) return base;
    this.isMathematics = true;
    const negative = this.take('-');
    const exponent = this.atom();
    if (this.next === '^') throw new NoFormula();
    return raise(base, negative ? negate(exponent) : exponent);
  }

  private group(): Sum {
    if (!this.take('(')) throw new NoFormula();
    const inner = this.sum();
    if (!this.take(')')) throw new NoFormula();
    return inner;
  }

  private atom(): Sum {
    const token = this.next;
    if (token === undefined) throw new NoFormula();
    if (token === '(') return this.group();
    this.at += 1;
    if (/^\d/.test(token)) return this.number(token);
    if (FUNCTIONS.has(token)) {
      this.isMathematics = true;
      return symbolOf(`${token}(${keyOf(this.group())})`);
    }
    return this.letters(token);
  }

  private number(token: string): Sum {
    this.isMathematics = true;
    const [whole = '', decimals = ''] = token.split('.');
    let bottom = 10n ** BigInt(decimals.length);
    if (this.take('\u2044')) {
      const under = this.next;
      if (under === undefined || !/^\d+$/.test(under)) throw new NoFormula();
      this.at += 1;
      bottom *= BigInt(under);
    }
    return [term(new Map(), BigInt(whole + decimals), bottom)];
  }

  private letters(token: string): Sum {
    if (token === 'pi') return symbolOf(token);
    if (VARIABLES.test(token)) return [...token].map(symbolOf).reduce(multiply);
    // Words are no products of letters, and `f(x)` is no product of f and x.
    if (!/^\p{L}$/u.test(token) || (/[fghFGHP]/.test(token) && this.next === '(')) throw new NoFormula();
    return symbolOf(token);
  }
}

/** The key under which folded formulas are equal; null for what is no formula, holds no letter or is too large. */
export function formulaKey(folded: string): string | null {
  if (folded.length > MAX_LENGTH) return null;
  try {
    const reader = new FormulaReader(folded);
    const sum = reader.read();
    const symbols = sum.some(({ powers }) => powers.size > 0);
    const onlyPlus = !folded.includes('-') && sum.length > 1;
    return symbols && (reader.isMathematics || onlyPlus) ? keyOf(sum) : null;
  } catch (error) {
    if (error instanceof NoFormula) return null;
    throw error;
  }
}
