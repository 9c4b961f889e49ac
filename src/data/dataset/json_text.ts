// Parses JSON as Python, pandas and JavaScript write it, and keeps every number exactly as it is written.
// A number that would change on its way through a double (twenty digits, `1.10`, `1e400`, `-0`) becomes its text, so
// that an answer is compared with what the author wrote. `NaN`, which JSON lacks and Python writes for a missing
// value, becomes null; `Infinity` becomes its text. Grammar of numbers: RFC 8259, section 6.

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const [QUOTE, BACKSLASH, MINUS, PLUS, DOT, ZERO, NINE] = [0x22, 0x5c, 0x2d, 0x2b, 0x2e, 0x30, 0x39];
const [UPPER_I, UPPER_N, COLON] = [0x49, 0x4e, 0x3a];

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function isLetter(code: number): boolean {
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

/** Position after the string that begins at `from`; the text's length when it never closes. */
function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return end + 1;
  }
  return text.length;
}

/** Position after a run of characters that numbers and words consist of. */
function endOfWord(text: string, from: number): number {
  let end = from + 1;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (!isDigit(code) && !isLetter(code) && code !== DOT && code !== MINUS && code !== PLUS) break;
  }
  return end;
}

/** What stands in for a word that JSON.parse would change or refuse; null where it is right as it is. */
function replacement(word: string): string | null {
  if (word === 'NaN' || word === '-NaN') return 'null';
  if (word === 'Infinity' || word === '-Infinity') return `"${word}"`;
  return NUMBER.test(word) && String(Number(word)) !== word ? `"${word}"` : null;
}

function isName(text: string, end: number): boolean {
  let at = end;
  while (/\s/.test(text[at] ?? '')) at += 1;
  return text.charCodeAt(at) === COLON;
}

function keepNumbers(text: string): string {
  let [kept, from] = ['', 0];
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (isDigit(code) || code === MINUS || code === UPPER_I || code === UPPER_N) {
      const end = endOfWord(text, at);
      const instead = replacement(text.slice(at, end));
      if (instead !== null && !isName(text, end)) {
        kept += text.slice(from, at) + instead;
        from = end;
      }
      at = end;
    } else at += isLetter(code) ? endOfWord(text, at) - at : 1;
  }
  return from === 0 ? text : kept + text.slice(from);
}

/**
 * Parses one JSON value in time linear in its text. Numbers that a double writes differently come out as their text.
 * @throws SyntaxError when the text is not JSON
 */
export function parseJson(text: string): unknown {
  return JSON.parse(keepNumbers(text));
}
