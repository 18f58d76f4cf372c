-- The file level joined the cache.
ALTER TABLE sample ADD COLUMN cache_files REAL;
