//! What was made, in `eider.db`.

use store::rusqlite::OptionalExtension;
use store::{Store, StoreError};

use crate::Logo;

/// The content of tokens by the source that told it; cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Kept(Store);

/// What is kept of one token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Plain text.
    pub description: Option<String>,
    /// `None` where the source names none.
    pub logo: Option<Logo>,
    /// When it was made, Unix milliseconds.
    pub at_ms: i64,
}

impl Kept {
    /// Over a store that was opened with [`MIGRATIONS`](crate::MIGRATIONS).
    pub fn new(store: Store) -> Self {
        Self(store)
    }

    /// Keeps it in the place of what was kept of this token.
    ///
    /// # Errors
    /// The store's; then what was kept stands.
    pub async fn put(&self, source: &str, token: &str, record: Record) -> Result<(), StoreError> {
        let (source, token) = (source.to_owned(), token.to_owned());
        self.0
            .write("content.put", move |tx| {
                tx.prepare_cached("DELETE FROM content WHERE source = ?1 AND token = ?2")?
                    .execute((&source, &token))?;
                tx.prepare_cached(
                    "INSERT INTO content (source, token, at_ms, description) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute((&source, &token, record.at_ms, &record.description))?;
                let mut insert = tx.prepare_cached(
                    "INSERT INTO content_picture (source, token, size_px, png) VALUES (?1, ?2, ?3, ?4)",
                )?;
                for picture in record.logo.iter().flat_map(|logo| &logo.pictures) {
                    insert.execute((&source, &token, picture.size_px, &picture.png))?;
                }
                Ok(())
            })
            .await
    }

    /// When something was last kept of this token.
    ///
    /// # Errors
    /// The store's.
    pub async fn made_at_ms(&self, source: &str, token: &str) -> Result<Option<i64>, StoreError> {
        let (source, token) = (source.to_owned(), token.to_owned());
        self.0
            .read("content.made", move |db| {
                let mut select =
                    db.prepare_cached("SELECT at_ms FROM content WHERE source = ?1 AND token = ?2")?;
                Ok(select.query_row((source, token), |row| row.get(0)).optional()?)
            })
            .await
    }

    /// The logo in one of [`SIZES_PX`](crate::SIZES_PX), as PNG.
    ///
    /// # Errors
    /// The store's.
    pub async fn picture(
        &self,
        source: &str,
        token: &str,
        size_px: u32,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let (source, token) = (source.to_owned(), token.to_owned());
        self.0
            .read("content.picture", move |db| {
                let mut select = db.prepare_cached(
                    "SELECT png FROM content_picture WHERE source = ?1 AND token = ?2 AND size_px = ?3",
                )?;
                Ok(select.query_row((source, token, size_px), |row| row.get(0)).optional()?)
            })
            .await
    }

    /// Forgets what was made before this time; returns of how many tokens.
    ///
    /// # Errors
    /// The store's.
    pub async fn forget_before(&self, at_ms: i64) -> Result<usize, StoreError> {
        self.0
            .write("content.forget", move |tx| {
                Ok(tx.prepare_cached("DELETE FROM content WHERE at_ms < ?1")?.execute([at_ms])?)
            })
            .await
    }
}
