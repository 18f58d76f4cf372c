/** Which entries a query finds, best first. Pure. */
export interface Entry {
  id: string;
  /** What the entry is called; the ticker for a token. */
  title: string;
  /** Said beside it in a quieter voice, and searched as well. */
  hint?: string;
  /** Other words a person may type. */
  words?: string;
  /** Entries of a lower group come first among equals. */
  group: number;
  run: () => void;
}

/** How well `query` fits `text`: 0 is exact, larger is worse, `null` is no match. */
export function fit(query: string, text: string): number | null {
  const asked = query.trim().toLowerCase();
  const given = text.toLowerCase();
  if (asked === '') return 0;
  if (given === asked) return 0;
  if (given.startsWith(asked)) return 1;
  if (given.split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(asked))) return 2;
  if (given.includes(asked)) return 3;
  return asked.length >= 3 && isSubsequence(asked, given) ? 5 : null;
}

function isSubsequence(asked: string, given: string): boolean {
  let from = 0;
  for (const letter of asked) {
    const found = given.indexOf(letter, from);
    if (found < 0) return false;
    from = found + 1;
  }
  return true;
}

/** The entries a query finds: by fit, then by group, then in the order given. */
export function find(query: string, entries: readonly Entry[], limit = 50): Entry[] {
  const scored: { entry: Entry; score: number }[] = [];
  for (const entry of entries) {
    const title = fit(query, entry.title);
    const aside = [entry.hint, entry.words].flatMap((text) => {
      const score = text ? fit(query, text) : null;
      // A loose match of a description says little.
      return score === null || score > 3 ? [] : [score + 0.5];
    });
    const scores = title === null ? aside : [title, ...aside];
    if (scores.length > 0) scored.push({ entry, score: Math.min(...scores) });
  }
  // `sort` is stable, so entries that are equal in both keep their order.
  return scored
    .sort((a, b) => a.score - b.score || a.entry.group - b.entry.group)
    .slice(0, limit)
    .map(({ entry }) => entry);
}
