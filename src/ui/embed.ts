// Reads from the address which parts of the page are left out, for lessons that embed it: `?embed=1&hide=chart,notes`.

/** Parts that can be left out; the styles know them by these names. */
export const PARTS = [
  'header',
  'examples',
  'question',
  'settings',
  'history',
  'answer',
  'chart',
  'notes',
  'guide',
  'foot',
] as const;

/** What an embedded page leaves out without being asked. */
const WITHOUT_ASKING: readonly string[] = ['header', 'guide', 'foot'];

/** The parts that the query of an address leaves out; names that are no part's are passed over. */
export function hiddenParts(search: string): readonly string[] {
  const parameters = new URLSearchParams(search);
  const asked = (parameters.get('hide') ?? '').split(',').map((name) => name.trim());
  const embedded = parameters.get('embed') === '1';
  return PARTS.filter((part) => asked.includes(part) || (embedded && WITHOUT_ASKING.includes(part)));
}

/** Tells the styles what is left out. Call once, before the first render. */
export function startEmbed(): void {
  const hidden = hiddenParts(location.search);
  if (hidden.length > 0) document.documentElement.dataset.hide = hidden.join(' ');
}
