// Cuts a chat of several rounds into rows of one question each, as LLaVA's data holds them: one picture, many questions.
// A round is a turn of the user with the turns up to the next one. What stands before the first question, and pictures that
// are parts of it, belong to every round.

import { isObject, type Json } from './row_values';

type Values = ReadonlyMap<string, unknown>;

const USERS = ['human', 'user'];
/** Longer chats are left whole, for their reader to refuse. */
const MAX_TURNS = 1000;

function isSystem(turn: unknown): boolean {
  return isObject(turn) && (turn.from ?? turn.role) === 'system';
}

function isUser(turn: unknown): turn is Json {
  return isObject(turn) && USERS.includes(String(turn.from ?? turn.role));
}

/** The parts of a turn that are no text. */
function pictureParts(turn: Json): unknown[] {
  const content = turn.value ?? turn.content;
  return Array.isArray(content)
    ? content.filter((part) => isObject(part) && !Object.hasOwn(part, 'text'))
    : [];
}

function withPictures(turn: Json, pictures: readonly unknown[]): Json {
  if (pictures.length === 0) return turn;
  const content = turn.value ?? turn.content;
  const own = Array.isArray(content) ? content : [{ type: 'text', text: content }];
  return { role: 'user', content: [...pictures, ...own] };
}

/** The rounds of a chat, each a chat of its own; null when there are fewer than two. */
function roundsOf(value: unknown): readonly (readonly unknown[])[] | null {
  if (!Array.isArray(value) || value.length > MAX_TURNS || value.filter(isUser).length < 2) return null;
  const rounds: unknown[][] = [];
  const opening: unknown[] = [];
  let pictures: readonly unknown[] = [];
  for (const turn of value as readonly unknown[]) {
    if (isUser(turn)) {
      if (rounds.length === 0) pictures = pictureParts(turn);
      rounds.push([...opening, rounds.length === 0 ? turn : withPictures(turn, pictures)]);
    } else if (rounds.length === 0 && isSystem(turn)) opening.push(turn);
    else rounds.at(-1)?.push(turn);
  }
  return rounds;
}

/**
 * Rows of one question each. A row is left as it is unless its chat is both question and response: an answer in a column
 * of its own says nothing about several questions.
 */
export function splitRounds(
  values: Values,
  { question, answer, response }: { readonly [field in 'question' | 'answer' | 'response']: string | null },
): readonly Values[] {
  if (question === null || question !== response || (answer !== null && answer !== question)) return [values];
  const rounds = roundsOf(values.get(question));
  return rounds === null ? [values] : rounds.map((round) => new Map([...values, [question, round]]));
}
