// Reads the turns of a chat of one round, as LLaVA (from/value) and TRL, OpenAI and transformers (role/content, parts) write
// them: system text, question, response, and pictures that are parts of the question.

import { isObject, type Json, ownValue, refuse } from './row_values';

/** What a chat says: texts by who says them, and pictures given as parts of the user's turn. */
export interface Chat {
  /** Null where there is no system turn; several are joined by empty lines. */
  readonly system: string | null;
  readonly user: string;
  readonly assistant: string | null;
  readonly images: readonly unknown[];
}

const ROLES: Readonly<Record<string, 'user' | 'assistant' | 'system'>> = {
  human: 'user',
  user: 'user',
  gpt: 'assistant',
  assistant: 'assistant',
  model: 'assistant',
  system: 'system',
};
const MAX_TURNS = 1000;

interface Turn {
  readonly role: 'user' | 'assistant' | 'system';
  readonly text: string;
  readonly images: readonly unknown[];
}

/** A picture in a part, as TRL, transformers and OpenAI write it; `<image>`'s place is told by the part alone. */
function partImage(part: Json): unknown {
  const url = ownValue(part, 'image_url');
  const given = ownValue(part, 'image') ?? ownValue(part, 'path') ?? ownValue(part, 'url') ?? url;
  return isObject(given) && given === url ? ownValue(given, 'url') : given;
}

function readTurn(value: unknown, column: string): Turn {
  if (!isObject(value)) return refuse(`${column} must be a list of turns`);
  const name = ownValue(value, 'from') ?? ownValue(value, 'role');
  const role = typeof name === 'string' && Object.hasOwn(ROLES, name) ? ROLES[name] : undefined;
  if (role === undefined) return refuse(`${column} has a turn by neither user nor assistant`);
  const content = ownValue(value, 'value') ?? ownValue(value, 'content');
  if (typeof content === 'string') return { role, text: content, images: [] };
  if (!Array.isArray(content)) return refuse(`${column} has a turn without text`);
  const [texts, images]: [string[], unknown[]] = [[], []];
  for (const part of content.slice(0, MAX_TURNS)) {
    const text = isObject(part) ? ownValue(part, 'text') : part;
    if (typeof text === 'string') texts.push(text);
    // TRL marks a picture of the image column by a part without one.
    else if (isObject(part) && /^(?:input_)?image(?:_url)?$/.test(String(ownValue(part, 'type')))) {
      images.push(partImage(part));
    } else refuse(`${column} has a part that is neither text nor picture`);
  }
  return { role, text: texts.join('\n'), images: images.filter((image) => image !== undefined) };
}

/** One question and at most one response. @param column its name, for reasons @throws Refusal */
export function readChat(turns: readonly unknown[], column: string): Chat {
  if (turns.length > MAX_TURNS) return refuse(`${column} has ${turns.length} turns`);
  const spoken = turns.map((turn) => readTurn(turn, column));
  const by = (role: Turn['role']): Turn[] => spoken.filter((turn) => turn.role === role);
  const [users, assistants, system] = [by('user'), by('assistant'), by('system')];
  if (users.length > 1 || assistants.length > 1) {
    const count = Math.max(users.length, assistants.length);
    return refuse(`${column} has ${count} rounds: write one row for each question`);
  }
  return {
    system: system.length === 0 ? null : system.map(({ text }) => text).join('\n\n'),
    user: users[0]?.text ?? '',
    assistant: assistants[0]?.text ?? null,
    images: users[0]?.images ?? [],
  };
}

/** Whether a value is chat turns, to be read by {@link readChat}. */
export function isChat(value: unknown): value is readonly unknown[] {
  const first: unknown = Array.isArray(value) ? value[0] : undefined;
  return isObject(first) && (Object.hasOwn(first, 'role') || Object.hasOwn(first, 'from'));
}
