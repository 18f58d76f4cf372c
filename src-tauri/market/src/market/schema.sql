-- The watched tokens in the order a person gave them. Ticker and name are the last that a source told, so that
-- the list has names before the first reply.
CREATE TABLE watched_tokens (
    position INTEGER PRIMARY KEY,
    token    TEXT NOT NULL UNIQUE,
    symbol   TEXT NOT NULL,
    name     TEXT NOT NULL
) STRICT;

-- Only at the making of the table: a list that a person emptied stays empty.
INSERT INTO watched_tokens (position, token, symbol, name) VALUES
    (0, 'duckchain-token', 'DUCK', 'DuckChain'),
    (1, 'the-open-network', 'TON', 'Toncoin'),
    (2, 'ethereum', 'ETH', 'Ethereum'),
    (3, 'bitcoin', 'BTC', 'Bitcoin'),
    (4, 'tether', 'USDT', 'Tether');
