//! The lock on the data directory and its mark.

use std::fs;

use eider_store::{DataDir, DataDirError};

#[test]
fn a_second_owner_is_told_who_the_first_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("eider");
    let first = DataDir::open(&path).unwrap();
    let error = DataDir::open(&path).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, DataDirError::InUse { pid: Some(pid), .. } if pid == std::process::id()));
    assert!(text.starts_with(&format!("{} is in use by another running Eider", path.display())), "{text}");
    first.close();
    DataDir::open(&path).unwrap();
}

#[test]
fn an_end_in_order_is_told_from_any_other() {
    let dir = tempfile::tempdir().unwrap();
    let first = DataDir::open(dir.path()).unwrap();
    assert!(first.was_clean(), "a new folder has nothing to check");
    drop(first);
    let second = DataDir::open(dir.path()).unwrap();
    assert!(!second.was_clean(), "the first was dropped, as by a crash");
    second.close();
    let third = DataDir::open(dir.path()).unwrap();
    assert!(third.was_clean());
    drop(third);
    fs::write(dir.path().join("lock"), "no such mark").unwrap();
    assert!(!DataDir::open(dir.path()).unwrap().was_clean(), "what cannot be read was not an end in order");
}

#[test]
fn a_folder_that_cannot_be_made_is_not_writable() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    // Holds for root too, whom permissions do not stop.
    let error = DataDir::open(&file.join("below")).unwrap_err();
    assert!(matches!(error, DataDirError::NotWritable { .. }), "{error}");
    assert!(error.to_string().contains("cannot be written"), "{error}");
}

#[test]
fn a_lock_file_that_cannot_be_written_is_not_writable() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("lock")).unwrap();
    let error = DataDir::open(dir.path()).unwrap_err();
    assert!(matches!(error, DataDirError::NotWritable { .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn a_new_folder_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("eider");
    let _held = DataDir::open(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
}
