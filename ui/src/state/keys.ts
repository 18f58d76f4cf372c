/** What a key means. Pure; the caller carries it out. */
export type KeyAction =
  | { do: 'palette' }
  | { do: 'screen'; index: number }
  | { do: 'search' }
  | { do: 'refresh' }
  | { do: 'keys' }
  | { do: 'back' };

export interface Stroke {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

export interface KeyContext {
  /** The focus is where letters are text. */
  typing: boolean;
  /** A dialog is open: it has the keys, and closes itself on Escape. */
  dialog: boolean;
}

export function keyAction(stroke: Stroke, context: KeyContext): KeyAction | null {
  const command = stroke.ctrlKey || stroke.metaKey;
  if (command && !stroke.altKey && stroke.key.toLowerCase() === 'k') return { do: 'palette' };
  if (command || stroke.altKey || context.dialog) return null;
  if (stroke.key === 'Escape') return { do: 'back' };
  if (context.typing) return null;
  if (/^[1-9]$/.test(stroke.key)) return { do: 'screen', index: Number(stroke.key) - 1 };
  if (stroke.key === '/') return { do: 'search' };
  if (stroke.key === '?') return { do: 'keys' };
  if (stroke.key.toLowerCase() === 'r') return { do: 'refresh' };
  return null;
}
