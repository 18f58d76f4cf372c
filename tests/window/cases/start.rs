use window_tests::{App, Desktop, Home, Market};

#[tokio::test]
async fn a_second_start_raises_the_first_window_and_says_so() -> anyhow::Result<()> {
    let (market, desktop) = (Market::start().await?, Desktop::start().await?);
    let home = Home::new(&market)?;
    let app = App::start(&desktop, &home, &[]).await?;
    let (code, said) = home.run(Some(&desktop))?;
    assert_eq!(code, Some(1));
    let pid = app.pid()?;
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("already running") && said.contains(&format!("pid {pid}")), "{said}");
    assert!(said.contains("raised"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_start_without_a_display_says_so_in_one_sentence() -> anyhow::Result<()> {
    let home = Home::with_config("")?;
    let (code, said) = home.run(None)?;
    assert_eq!(code, Some(1));
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("needs a display"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_written_is_named() -> anyhow::Result<()> {
    let desktop = Desktop::start().await?;
    let home = Home::with_config("")?;
    // A file stands where the folder should be; unlike permissions, this also holds for root.
    std::fs::write(home.data_dir(), "")?;
    let (code, said) = home.run(Some(&desktop))?;
    assert_eq!(code, Some(1));
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains(&home.data_dir().display().to_string()), "{said}");
    Ok(())
}

#[tokio::test]
async fn the_window_ends_cleanly_when_it_is_asked_to() -> anyhow::Result<()> {
    let (market, desktop) = (Market::start().await?, Desktop::start().await?);
    let home = Home::new(&market)?;
    let app = App::start(&desktop, &home, &[]).await?;
    app.find("chart-price").await?;
    app.quit().await?;
    let lock = std::fs::read_to_string(home.data_dir().join("lock"))?;
    assert!(lock.contains("clean"), "{lock}");
    Ok(())
}
