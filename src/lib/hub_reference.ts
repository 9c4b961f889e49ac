// Reads what somebody wrote or pasted to name a repository of a model hub: its name, its name with a revision, or the
// address of its page.

/** A repository of a hub at a branch, tag or commit. */
export interface HubReference {
  /** `organisation/name`. */
  readonly id: string;
  /** Null where none was given. */
  readonly revision: string | null;
}

const PART = '[A-Za-z0-9_][A-Za-z0-9._-]*';
const NAME = new RegExp(`^(${PART}/${PART})(?:@(\\S+))?$`);
const PAGE = new RegExp(
  `^https?://[^/\\s]+/(${PART}/${PART})(?:/(?:tree|blob|resolve)/([^/?#\\s]+)[^\\s]*)?/?(?:[?#]\\S*)?$`,
);

/** Reads `org/name`, `org/name@revision`, or the address of its page; null for anything else. */
export function hubReference(text: string): HubReference | null {
  const [, id, revision] = NAME.exec(text.trim()) ?? PAGE.exec(text.trim()) ?? [];
  if (id === undefined) return null;
  return { id, revision: revision === undefined ? null : decodeURIComponentOr(revision) };
}

/** A revision with a slash stands as %2F in an address. */
function decodeURIComponentOr(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
