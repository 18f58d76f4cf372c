use eider_limits::{CallError, Config, Month, MonthBudget};

use crate::support::{MemoryJournal, START_MS, Server, config, open, open_at, secs};

/// 2026-12-01 00:00:00 UTC.
const DECEMBER_MS: i64 = 1_796_083_200_000;

#[test]
fn months_end_where_the_calendar_says() {
    let cases = [
        (0, 197_001, 2_678_400_000),
        (START_MS, 202_611, DECEMBER_MS),
        (DECEMBER_MS - 1, 202_611, DECEMBER_MS),
        (DECEMBER_MS, 202_612, 1_798_761_600_000),
        (1_709_164_800_000, 202_402, 1_709_251_200_000),
        (-1, 196_912, 0),
        (i64::MAX, 197_001, 2_678_400_000),
    ];
    for (wall_ms, number, ends_at_ms) in cases {
        let month = Month::of(wall_ms);
        assert_eq!((month.number(), month.ends_at_ms()), (number, ends_at_ms), "{wall_ms}");
    }
}

#[test]
fn a_clock_set_back_does_not_bring_an_old_month_back() {
    let mut budget = MonthBudget::new(Some(10), DECEMBER_MS, Some((202_612, 4)));
    budget.take(DECEMBER_MS - 1);
    assert_eq!((budget.count(), budget.left(DECEMBER_MS - 1)), ((202_612, 5), Some(5)));
    assert_eq!(MonthBudget::new(Some(10), DECEMBER_MS, Some((202_611, 10))).left(DECEMBER_MS), Some(10));
}

#[tokio::test(start_paused = true)]
async fn a_spent_month_refuses_across_restarts_until_it_ends() {
    let (journal, server) = (MemoryJournal::default(), Server::default());
    let budgeted = || Config { month_budget: Some(2), ..config(50) };
    let pipeline = open(budgeted(), &journal).await;
    assert_eq!(pipeline.status().month_left, Some(2));
    for _ in 0..2 {
        server.ok(&pipeline, secs(1)).await.unwrap();
    }
    let refused = server.ok(&pipeline, secs(1)).await.unwrap_err();
    assert!(matches!(refused, CallError::BudgetSpent { until_ms: DECEMBER_MS, .. }), "{refused}");
    assert_eq!((refused.code(), pipeline.status().month_left), ("budget_spent", Some(0)));
    pipeline.stop().await;

    let journal = journal.next_process();
    let pipeline = open_at(budgeted(), &journal, DECEMBER_MS - 10_000).await;
    let refused = server.ok(&pipeline, secs(1)).await.unwrap_err();
    assert_eq!(refused.retry_after(), Some(secs(10)));
    tokio::time::advance(secs(10)).await;
    server.ok(&pipeline, secs(1)).await.unwrap();
    assert_eq!((pipeline.status().month_left, server.seen().len()), (Some(1), 3));
}
