//! Histories as files in the Downloads folder.

mod chart;

pub(crate) use chart::use_own_font;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::api::{ExportFormat, History, Problem, Range};

/// Writes the history; returns the path.
pub(crate) async fn to_downloads(history: History, format: ExportFormat) -> Result<String, Problem> {
    if history.at_ms.is_empty() {
        return Err(Problem::new("nothing_to_export", "There is no price to export for this range yet."));
    }
    let folder = directories::UserDirs::new()
        .and_then(|dirs| dirs.download_dir().map(Path::to_owned).or_else(|| Some(dirs.home_dir().to_owned())))
        .ok_or_else(|| {
            Problem::new("not_saved", "There is neither a Downloads nor a home folder to write to.")
        })?;
    let written = tokio::task::spawn_blocking(move || write(&folder, &history, format)).await;
    let path = written.unwrap_or_else(|panic| Err(std::io::Error::other(panic)));
    match path {
        Ok(path) => Ok(path.display().to_string()),
        Err(error) => Err(Problem::new("not_saved", format!("The file could not be written: {error}."))),
    }
}

fn write(folder: &Path, history: &History, format: ExportFormat) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let (ending, bytes) = match format {
        ExportFormat::Csv => ("csv", csv(history).into_bytes()),
        ExportFormat::Svg => ("svg", chart::svg(history).map_err(std::io::Error::other)?),
        ExportFormat::Png => ("png", chart::png(history).map_err(std::io::Error::other)?),
    };
    let range =
        Range::NAMES.into_iter().find(|(_, range)| *range == history.range).map_or("", |(name, _)| name);
    let name = format!("{}-{}-{range}", history.id, history.currency);
    free_path(folder, &name, ending, &bytes)
}

/// Never writes over a file that is there.
fn free_path(folder: &Path, name: &str, ending: &str, bytes: &[u8]) -> std::io::Result<PathBuf> {
    use std::io::Write as _;
    for n in 1..1000 {
        let number = if n == 1 { String::new() } else { format!("-{n}") };
        let path = folder.join(format!("{name}{number}.{ending}"));
        match std::fs::File::create_new(&path) {
            Ok(mut file) => return file.write_all(bytes).map(|()| path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(std::io::Error::new(std::io::ErrorKind::AlreadyExists, "there are a thousand such files already"))
}

fn csv(history: &History) -> String {
    let source = history.provenance.as_ref().map_or("", |from| from.source.as_str());
    let mut text = format!("at_ms,price_{},volume_24h,source\n", history.currency);
    for ((at_ms, price), volume) in history.at_ms.iter().zip(&history.price).zip(&history.volume_24h) {
        let volume = volume.map(|volume| volume.to_string()).unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{at_ms},{price},{volume},{source}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{CacheLevel, Provenance};

    fn history() -> History {
        let points = 288;
        History {
            id: "duckchain-token".into(),
            currency: "usd".into(),
            range: Range::Day,
            step_ms: 300_000,
            // Two hours are missing after the hundredth point.
            at_ms: (0..points)
                .map(|n| 1_795_000_000_000 + n * 300_000 + if n > 100 { 7_200_000 } else { 0 })
                .collect(),
            price: (0..points).map(|n| 0.002 + 0.0001 * (n as f64 / 20.0).sin()).collect(),
            volume_24h: (0..points).map(|n| (n % 2 == 0).then_some(1.5e6)).collect(),
            provenance: Some(Provenance {
                as_of_ms: 0,
                fetched_at_ms: 0,
                source: "CoinGecko".into(),
                cache_level: CacheLevel::Database,
                stale: false,
            }),
            problem: None,
        }
    }

    #[test]
    fn a_second_export_does_not_replace_the_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = write(folder.path(), &history(), ExportFormat::Csv).expect("it is written");
        let second = write(folder.path(), &history(), ExportFormat::Csv).expect("it is written");
        assert_eq!(first.file_name().and_then(|name| name.to_str()), Some("duckchain-token-usd-24h.csv"));
        assert_eq!(second.file_name().and_then(|name| name.to_str()), Some("duckchain-token-usd-24h-2.csv"));
    }

    #[test]
    fn the_table_holds_every_point_with_its_source() {
        let text = csv(&history());
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("at_ms,price_usd,volume_24h,source"));
        assert_eq!(lines.next(), Some("1795000000000,0.002,1500000,CoinGecko"));
        assert_eq!(lines.count(), 287);
    }

    #[test]
    fn the_pictures_show_the_line_and_leave_the_gap() {
        let folder = tempfile::tempdir().expect("a folder");
        let svg = write(folder.path(), &history(), ExportFormat::Svg).expect("it is drawn");
        let svg = std::fs::read_to_string(svg).expect("it was written");
        assert!(svg.contains("duckchain-token / USD"));
        assert_eq!(svg.matches("<polygon").count(), 2, "one area on each side of the gap");
        let png = write(folder.path(), &history(), ExportFormat::Png).expect("it is drawn");
        let mut reader =
            png::Decoder::new(std::io::BufReader::new(std::fs::File::open(png).expect("it was written")))
                .read_info()
                .expect("it is a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("it is small")];
        reader.next_frame(&mut pixels).expect("it is whole");
        let drawn = pixels.chunks(3).filter(|pixel| *pixel == [0x0f, 0x7b, 0x5a]).count();
        assert!(drawn > 500, "{drawn} pixels of the line");
    }

    #[test]
    fn one_point_and_a_flat_line_can_be_drawn() {
        let mut flat = history();
        flat.price.fill(1.0);
        chart::svg(&flat).expect("a flat line");
        let one = History { at_ms: vec![1], price: vec![0.0], volume_24h: vec![None], ..history() };
        chart::png(&one).expect("one point");
    }
}
