//! SQLite with one group-committing writer, pooled readers, migrations and timed queries
