use std::time::Duration;

use rusqlite::Connection;

use crate::migrate::now_ms;
use crate::watch::Watch;

/// A call that took at least [`Config::slow_query`](crate::Config::slow_query).
#[derive(Clone, Debug)]
pub struct SlowCall {
    /// The name it was made under.
    pub name: &'static str,
    /// When it ended.
    pub at_ms: i64,
    /// How long its closure ran, without waiting for a connection and without the commit.
    pub took: Duration,
    /// How many statements it ran.
    pub statements: u64,
    /// The statement that took longest, as prepared: bound values are never kept.
    pub sql: String,
    /// How long that statement took, to the millisecond.
    pub statement_took: Duration,
    /// SQLite's plan for that statement, one line per step, indented by depth.
    pub plan: String,
}

/// Describes a slow call and logs it, once.
pub(crate) fn report(conn: &Connection, name: &'static str, seen: Watch) -> SlowCall {
    let (sql, statement_took) = seen.slowest.unwrap_or_default();
    let plan = plan(conn, &sql).unwrap_or_else(|error| format!("no plan: {error}"));
    tracing::warn!(
        query = name,
        took_ms = seen.elapsed.as_millis(),
        statements = seen.statements,
        sql,
        statement_ms = statement_took.as_millis(),
        plan,
        "slow query"
    );
    let (took, statements) = (seen.elapsed, seen.statements);
    SlowCall { name, at_ms: now_ms(), took, statements, sql, statement_took, plan }
}

fn plan(conn: &Connection, sql: &str) -> rusqlite::Result<String> {
    if sql.is_empty() {
        return Ok(String::new());
    }
    let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
    // Unbound parameters are NULL; the plan does not depend on them here.
    let mut rows = statement.raw_query();
    let mut depths: Vec<(i64, usize)> = Vec::new();
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, parent, detail): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(3)?);
        let depth = depths.iter().find(|(id, _)| *id == parent).map_or(0, |(_, depth)| depth + 1);
        depths.push((id, depth));
        lines.push(format!("{:1$}{detail}", "", depth * 2));
    }
    Ok(lines.join("\n"))
}
