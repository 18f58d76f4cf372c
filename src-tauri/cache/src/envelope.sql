-- From here on a payload begins with what goes with its value; an older one would be read wrongly.
DELETE FROM cache_entry;
CREATE TABLE cache_fact (
    name  TEXT    NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE cache_hot_key (
    region TEXT    NOT NULL,
    key    TEXT    NOT NULL,
    weight INTEGER NOT NULL,
    PRIMARY KEY (region, key)
) WITHOUT ROWID;
