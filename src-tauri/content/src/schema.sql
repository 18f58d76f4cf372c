-- What was made of a token's texts and pictures; it can be fetched again.
CREATE TABLE content (
    source      TEXT    NOT NULL,
    token       TEXT    NOT NULL,
    at_ms       INTEGER NOT NULL,
    description TEXT,
    PRIMARY KEY (source, token)
) STRICT, WITHOUT ROWID;

-- A picture for each size in pixels, as PNG.
CREATE TABLE content_picture (
    source  TEXT    NOT NULL,
    token   TEXT    NOT NULL,
    size_px INTEGER NOT NULL,
    png     BLOB    NOT NULL,
    PRIMARY KEY (source, token, size_px),
    FOREIGN KEY (source, token) REFERENCES content (source, token) ON DELETE CASCADE
) STRICT;
