/** Seeded prices for the fake engine. Not the product's simulator: only plausible enough to look at. */

export interface FakeToken {
  id: string;
  symbol: string;
  name: string;
  price: number;
  cap: number;
  volume: number;
}

const NAMES: [string, string, string, number, number][] = [
  ['duckchain-token', 'DUCK', 'DuckChain Token', 0.002131, 1.8e6],
  ['the-open-network', 'TON', 'Toncoin', 5.412, 2.1e8],
  ['ethereum', 'ETH', 'Ethereum', 3871.2, 1.9e10],
  ['bitcoin', 'BTC', 'Bitcoin', 98204, 4.1e10],
  ['tether', 'USDT', 'Tether', 1.0002, 8.8e10],
  ['pepe', 'PEPE', 'Pepe', 0.00002131, 9.4e8],
  ['shiba-inu', 'SHIB', 'Shiba Inu', 0.00001274, 3.1e8],
  ['solana', 'SOL', 'Solana', 231.44, 5.2e9],
];

export const TOKENS: FakeToken[] = [
  ...NAMES.map(([id, symbol, name, price, volume]) => ({
    id,
    symbol,
    name,
    price,
    volume,
    cap: volume * 14,
  })),
  ...Array.from({ length: 242 }, (_, i) => ({
    id: `token-${i}`,
    symbol: `TK${i}`,
    name: `Token number ${i}`,
    price: 10 ** (4 - (i % 13)) * (1 + (i % 7) / 3),
    volume: 1e9 / (i + 2),
    cap: 4e10 / (i + 3),
  })),
];

function noise(seed: number): number {
  const x = Math.sin(seed * 127.1 + 311.7) * 43758.5453;
  return x - Math.floor(x) - 0.5;
}

/** A smooth wander of the token's price, the same for the same moment. */
export function priceAt(token: FakeToken, at_ms: number): number {
  const seed = token.id.length * 7 + token.symbol.charCodeAt(0);
  let drift = 0;
  for (const [period, size] of [
    [6e5, 0.0015],
    [3.6e6, 0.006],
    [1.4e7, 0.012],
    [8.64e7, 0.035],
    [9e8, 0.12],
    [8e9, 0.4],
  ] as const) {
    const t = at_ms / period + seed;
    const i = Math.floor(t);
    const f = (t - i) * (t - i) * (3 - 2 * (t - i));
    drift += size * (noise(i * 1.7 + seed) * (1 - f) + noise((i + 1) * 1.7 + seed) * f) * 2;
  }
  drift += 0.0012 * noise(at_ms / 5_000 + seed);
  const steady = token.id === 'tether' ? 0.004 : 1;
  return token.price * (1 + drift * steady);
}

export function changeSince(token: FakeToken, now: number, ago: number): number {
  return (priceAt(token, now) / priceAt(token, now - ago) - 1) * 100;
}

export function line(token: FakeToken, now: number, ago: number, points: number): number[] {
  return Array.from({ length: points }, (_, i) => priceAt(token, now - ago + (ago * (i + 1)) / points));
}
