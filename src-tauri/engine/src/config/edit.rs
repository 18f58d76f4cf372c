//! Changes of single values that keep the rest of the file, its comments too.

use std::io;
use std::path::Path;

use toml_edit::{DocumentMut, Item, Table, TomlError, Value};

use super::file::replace;

/// One value to be written, or a key to be taken out.
pub(crate) struct Edit {
    pub(crate) section: Option<&'static str>,
    pub(crate) key: &'static str,
    pub(crate) value: Option<Value>,
}

/// Applies the change to the file.
///
/// # Errors
/// Where the file cannot be read, is not TOML, or cannot be written; it is then as it was.
pub(crate) fn apply(path: &Path, edit: Edit) -> io::Result<()> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => super::DEFAULT_TEXT.to_owned(),
        other => other?,
    };
    let mut document: DocumentMut = text.parse().map_err(|error: TomlError| {
        // The error's own display shows the line, which may hold a secret.
        let what = format!("it is not TOML: {}", error.message().replace('\n', " "));
        io::Error::new(io::ErrorKind::InvalidData, what)
    })?;
    edit.apply_to(&mut document)?;
    replace(path, &document.to_string())
}

impl Edit {
    fn apply_to(self, document: &mut DocumentMut) -> io::Result<()> {
        let table = match self.section {
            None => document.as_table_mut(),
            Some(section) => document
                .entry(section)
                .or_insert_with(|| Item::Table(Table::new()))
                .as_table_mut()
                .ok_or_else(|| {
                    io::Error::new(io::ErrorKind::InvalidData, format!("{section} is not a section"))
                })?,
        };
        match self.value {
            Some(value) => table[self.key] = Item::Value(value),
            None => {
                table.remove(self.key);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, DEFAULT_TEXT};

    fn edited(text: &str, section: Option<&'static str>, key: &'static str, value: Option<Value>) -> String {
        let mut document: DocumentMut = text.parse().expect("the test's text is TOML");
        Edit { section, key, value }.apply_to(&mut document).expect("the section is a table");
        document.to_string()
    }

    #[test]
    fn a_change_keeps_every_comment() {
        let text = edited(DEFAULT_TEXT, Some("window"), "theme", Some("dark".into()));
        for line in DEFAULT_TEXT.lines() {
            assert!(text.contains(line), "lost {line:?}");
        }
        assert_eq!(Config::parse(&text).config.theme, crate::api::Theme::Dark);
        let back = edited(&text, Some("window"), "theme", None);
        assert_eq!(Config::parse(&back).config.theme, crate::api::Theme::System);
    }

    #[test]
    fn a_file_that_is_no_toml_is_refused_without_a_word_of_what_it_holds() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("eider.toml");
        std::fs::write(&file, "[notifications]\nwebhook_url = https://hooks.example/s3cr3t")
            .expect("writable");
        let edit = Edit { section: Some("window"), key: "theme", value: Some("dark".into()) };
        let refused = apply(&file, edit).expect_err("it is no TOML").to_string();
        assert!(refused.starts_with("it is not TOML: ") && !refused.contains("s3cr3t"), "{refused}");
    }

    #[test]
    fn a_value_at_the_top_is_not_taken_into_a_section() {
        let text = edited(DEFAULT_TEXT, None, "profile", Some("demo".into()));
        assert_eq!(Config::parse(&text).config.profile, crate::ProfileChoice::Demo);
        assert_eq!(Config::parse(&text).issues, []);
    }
}
