// Brings an answer into one spelling before it is graded: Unicode look-alikes, simple LaTeX, quotes, emphasis,
// formula signs and phrases like "the answer is" go; what could change the meaning stays as it is written.
// Bounded work: callers hand over at most 1000 characters.

/** Passes over nested macros and delimiters; deeper nesting stays as it is written. */
const MAX_NESTING = 4;

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻';
const SUBSCRIPTS = '₀₁₂₃₄₅₆₇₈₉';

/** What has to go before NFKC would merge it into its neighbours: `5²` is not 52, `1½` is not 11/2. */
function foldUnicode(text: string): string {
  return text
    .replace(
      /[⁰¹²³⁴-⁹⁺⁻]+/g,
      (run) => `^{${[...run].map((c) => '0123456789+-'[SUPERSCRIPTS.indexOf(c)]).join('')}}`,
    )
    .replace(/[₀-₉]+/g, (run) => `_{${[...run].map((c) => SUBSCRIPTS.indexOf(c)).join('')}}`)
    .replace(/(\d)?([¼-¾⅐-⅞↉])/g, (_, before: string | undefined, c: string) => {
      return `${before === undefined ? '' : `${before} `}${c.normalize('NFKC')} `;
    })
    .replace(/[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]/g, '')
    .replace(/(\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))/g, '$1')
    .replace(/[º˚]/g, '°')
    .normalize('NFKC')
    .replace(/[\u2010-\u2015\u2212]/g, '-')
    .replace(/[‘’′]/g, "'")
    .replace(/[“”″]/g, '"')
    .replace(/[×⨯✕·⋅∙∗]/g, '*')
    .replace(/÷/g, '/')
    .replace(/[。]/g, '.')
    .replace(/[⩽≦]/g, '≤')
    .replace(/[⩾≧]/g, '≥')
    .replace(/√ ?(\d+(?:\.\d+)?|\p{L})/gu, '\\sqrt{$1}')
    .replace(/√ ?(?=\()/g, '\\sqrt');
}

const GREEK = 'alpha α beta β gamma γ delta δ theta θ lambda λ mu μ rho ρ sigma σ tau τ phi φ omega ω'.split(
  ' ',
);

/** What a macro without arguments stands for. Order matters: a name before its own beginning. */
const MACROS: readonly (readonly [RegExp, string])[] = [
  [/\\(?:left|right|displaystyle|limits)(?![a-z])/gi, ''],
  // LaTeX's thousands: `1{,}200`, `1,\!200` and `1\,200`.
  [/(\d) ?(?:,\\! ?|\{,\}|\\,)(?=\d{3}(?!\d))/g, '$1'],
  [/\\!/g, ''],
  [/\\[,;: ]|\\q?quad(?![a-z])|(?<=\d)~(?=\p{L})/giu, ' '],
  [/\^ ?(?:\\circ|\{ ?\\circ ?\})|\\(?:degree|deg)(?![a-z])/gi, '°'],
  [/\\pi(?![a-z])|π/gi, 'pi'],
  [/\\infty(?![a-z])/g, '∞'],
  [/\\pm(?![a-z])/g, '±'],
  [/\\(?:times|cdot)(?![a-z])/g, '*'],
  [/\\div(?![a-z])/g, '/'],
  [/\\(?:leq|le)(?![a-z])|<=/g, '≤'],
  [/\\(?:geq|ge)(?![a-z])|>=/g, '≥'],
  [/\\lt(?![a-z])/g, '<'],
  [/\\gt(?![a-z])/g, '>'],
  [/\\(?:neq|ne)(?![a-z])|!=/g, '≠'],
  [/\\approx(?![a-z])/g, '≈'],
  [/\\cup(?![a-z])/g, '∪'],
  [/\\cap(?![a-z])/g, '∩'],
  [/\\(?:\{|lbrace(?![a-z]))/g, '⦃'],
  [/\\(?:\}|rbrace(?![a-z]))/g, '⦄'],
  [/\\([%$&#_])/g, '$1'],
  [/\\[dtc]frac(?![a-z])/g, '\\frac'],
  [/\\frac ?(\d) ?(\d)/g, '\\frac{$1}{$2}'],
  [/\\sqrt ?([0-9a-z])/gi, '\\sqrt{$1}'],
  [/\\sqrt ?(?=\()/g, 'sqrt'],
  [/\\(sin|cos|tan|log|ln)(?![a-z])/g, '$1'],
  ...GREEK.flatMap((name, i): (readonly [RegExp, string])[] =>
    i % 2 === 0 ? [[new RegExp(`\\\\${name}(?![a-z])`, 'g'), GREEK[i + 1] ?? name]] : [],
  ),
];

const WORDS_MACRO =
  /(\d)?\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mbox|boxed|operatorname) ?\{([^{}]*)\}/g;
const SQRT_MACRO = /\\sqrt ?\{([^{}]*)\}/g;
const FRAC_MACRO = /\\frac ?\{([^{}]*)\} ?\{([^{}]*)\}/g;
/** Braces around one exponent or index; a longer one needs parentheses to stay one. */
const SCRIPT = /([\^_]) ?\{([^{}]*)\}/g;
const WHOLE = /^-?\d+$/;

function script(mark: string, inner: string): string {
  const tidy = inner.trim();
  return /^(?:[-+]?\d+|\p{L})$/u.test(tidy) ? `${mark}${tidy}` : `${mark}(${tidy})`;
}

/** A fraction of whole numbers keeps a slash of its own, so that `\frac12 x` is not 1/(2x). */
function fraction(top: string, bottom: string): string {
  const [over, under] = [top.trim(), bottom.trim()];
  return WHOLE.test(over) && WHOLE.test(under) ? ` ${over}\u2044${under} ` : `((${over})/(${under}))`;
}

/** Simple LaTeX as plain text: words, spacing, degrees, roots and fractions; other macros stay. */
function plainLatex(text: string): string {
  let plain = text;
  for (const [pattern, replacement] of MACROS) plain = plain.replace(pattern, replacement);
  for (let pass = 0; pass < MAX_NESTING && /[\\^_]/.test(plain); pass++) {
    plain = plain
      .replace(WORDS_MACRO, (_, before: string | undefined, inner: string) => {
        // A unit is set apart from its number; digits are never joined.
        return before === undefined ? inner : `${before} ${inner}`;
      })
      .replace(SCRIPT, (_, mark: string, inner: string) => script(mark, inner))
      .replace(SQRT_MACRO, (_, inner: string) => `sqrt(${inner.trim()})`)
      .replace(FRAC_MACRO, (_, top: string, bottom: string) => fraction(top, bottom));
  }
  return plain.replace(/⦃/g, '{').replace(/⦄/g, '}');
}

const DELIMITERS = [
  ['$$', '$$'],
  ['$', '$'],
  ['\\(', '\\)'],
  ['\\[', '\\]'],
  ['**', '**'],
  ['*', '*'],
  ['`', '`'],
  ['"', '"'],
  ["'", "'"],
  ['«', '»'],
] as const;

function stripStop(text: string): string {
  return text
    .replace(/ ?[.,;:]$/, '')
    .replace(/(?<=\p{L})!$/u, '')
    .trim();
}

/** One layer of formula signs, emphasis or quotes that encloses the whole. */
function stripDelimiters(text: string): string {
  for (const [open, close] of DELIMITERS) {
    const inner = text.slice(open.length, -close.length);
    const encloses =
      text.length > open.length + close.length && text.startsWith(open) && text.endsWith(close);
    // `$5$ and $6$` is not one formula.
    if (encloses && !inner.includes(open) && !inner.includes(close)) return inner.trim();
  }
  return text;
}

const PHRASE =
  /^(?:(?:so|thus|therefore|hence),? )?(?:the |my )?(?:(?:final|correct) )?(?:answer|result|solution)(?: is(?: :|:)?| ?[:=]) ?/i;

/** Takes layers off until none is left: `**Answer:** $13$.` is `13`. */
function unwrap(text: string): string {
  let plain = text.trim().replace(/\s+/g, ' ');
  for (let layer = 0; layer < MAX_NESTING; layer++) {
    const next = stripDelimiters(stripStop(plain));
    // `**Answer:** 13` has its emphasis around the phrase alone.
    const bare = next
      .replace(/^\*\*([^*]*)\*\*/, '$1')
      .replace(PHRASE, '')
      .replace(/^= ?/, '');
    if (bare === plain) break;
    plain = bare.trim();
  }
  return plain;
}

/** An answer in one spelling, its case kept; '' when nothing is left. Spaces are single. */
export function foldAnswer(answer: string): string {
  return unwrap(plainLatex(unwrap(foldUnicode(answer))));
}

/** The key under which folded texts are equal: case, a leading article and spaces around signs do not count. */
export function textKey(folded: string): string {
  return (
    folded
      .toLowerCase()
      .replace(/\u2044/g, '/')
      .replace(/ ?([=<>≤≥≠≈+*/^;:|±∪∩]) ?/g, '$1')
      // `1, 200` is a list and `1,200` may be a number.
      .replace(/(?<=\d) ?, (?=\d)/g, '; ')
      .replace(/ ?, ?/g, ',')
      .replace(/(?<! ) - (?! )/g, '-')
      .replace(/ - /g, '-')
      .replace(/([([{]) /g, '$1')
      .replace(/ ([)\]}])/g, '$1')
      // An article goes only before a word, never as the letter of a choice.
      .replace(/^(?:the|an?) (?=\p{L}{2})/u, '')
  );
}
