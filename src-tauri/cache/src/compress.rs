//! The compression of encoded values, once for all levels below memory.

use std::borrow::Cow;

use crate::name::VALUE_MAX;

/// The value in fewer bytes, if it has at least `over` and there is such a form.
pub(crate) fn compressed(value: &[u8], over: Option<u32>) -> Option<Vec<u8>> {
    if value.len() < over? as usize {
        return None;
    }
    let compressed = lz4_flex::block::compress(value);
    (compressed.len() < value.len()).then_some(compressed)
}

/// Undoes [`compressed`], where `raw_bytes` is the value's length before it; `None` for what is not its work.
///
/// No memory is taken for a length that no value can have.
pub(crate) fn expanded(stored: &[u8], raw_bytes: Option<u32>) -> Option<Cow<'_, [u8]>> {
    let Some(raw_bytes) = raw_bytes.map(|bytes| bytes as usize) else { return Some(Cow::Borrowed(stored)) };
    if raw_bytes > VALUE_MAX {
        return None;
    }
    let value = lz4_flex::block::decompress(stored, raw_bytes).ok()?;
    (value.len() == raw_bytes).then_some(Cow::Owned(value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;

    #[test]
    fn only_what_is_large_and_gets_smaller_is_compressed() {
        let text = vec![b'a'; 4096];
        let noise: Vec<u8> = (0..512u64).flat_map(|n| xxh3_64(&n.to_le_bytes()).to_le_bytes()).collect();
        assert!(compressed(&text, Some(4096)).unwrap().len() < 100);
        assert_eq!(compressed(&text, Some(4097)), None);
        assert_eq!(compressed(&text, None), None);
        assert_eq!(compressed(&noise, Some(0)), None);
        assert_eq!(compressed(&[], Some(0)), None);
    }

    #[test]
    fn a_length_that_is_a_lie_is_refused() {
        let stored = compressed(&vec![b'a'; 100_000], Some(0)).unwrap();
        for raw_bytes in [0, 1, 99_999, 100_001, VALUE_MAX as u32, VALUE_MAX as u32 + 1, u32::MAX] {
            assert_eq!(expanded(&stored, Some(raw_bytes)), None, "{raw_bytes}");
        }
    }

    proptest! {
        #[test]
        fn what_was_compressed_comes_back(value in proptest::collection::vec(0u8..4, 0..5000)) {
            let stored = compressed(&value, Some(0));
            let raw_bytes = stored.as_ref().map(|_| value.len() as u32);
            let stored = stored.as_deref().unwrap_or(&value);
            prop_assert_eq!(&*expanded(stored, raw_bytes).unwrap(), &value[..]);
        }

        #[test]
        fn noise_never_panics(stored in proptest::collection::vec(any::<u8>(), 0..2000), raw_bytes: u32) {
            if let Some(value) = expanded(&stored, Some(raw_bytes % 100_000)) {
                prop_assert_eq!(value.len(), raw_bytes as usize % 100_000);
            }
        }
    }
}
