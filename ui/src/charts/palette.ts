/** The colours of the charts, which stand in the style sheet. */

/** The value of a token, empty where the style sheet has none or has not come yet. */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** The colours of the lines, read from the style sheet once per theme that has them. */
export function palette(lines: readonly { color: string }[]): () => string[] {
  let theme: string | undefined;
  let colors: string[] = [];
  return () => {
    const active = document.documentElement.dataset.theme;
    if (active !== theme || colors.includes('')) {
      theme = active;
      colors = lines.map((line) => token(line.color));
    }
    return colors;
  };
}
