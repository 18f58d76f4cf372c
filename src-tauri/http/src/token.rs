//! The bearer token of `/v1`, in the file `api-token` of the data folder.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use hmac::{Hmac, Mac};
use sha2::Sha256;

const SEAL_BYTES: usize = 16;

/// A text of 64 hexadecimal digits that only the owner of the data folder can read.
pub(crate) struct ApiToken(String);

impl ApiToken {
    /// Reads the token; the first time it is drawn from the system's randomness and written, readable by its
    /// owner alone.
    pub(crate) fn load_or_create(data_dir: &Path) -> io::Result<Self> {
        let path = data_dir.join("api-token");
        match std::fs::read_to_string(&path) {
            Ok(text) if is_token(text.trim()) => Ok(Self(text.trim().to_owned())),
            Ok(_) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it does not hold 64 hexadecimal digits; delete it to get a new token",
            )),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut bytes = [0_u8; 32];
                getrandom::fill(&mut bytes).map_err(io::Error::other)?;
                let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                let mut options = OpenOptions::new();
                options.write(true).create_new(true);
                private(&mut options).open(&path)?.write_all(format!("{token}\n").as_bytes())?;
                Ok(Self(token))
            }
            Err(error) => Err(error),
        }
    }

    /// Compares in a time that does not tell where the texts differ.
    pub(crate) fn matches(&self, offered: &str) -> bool {
        let mac = |text: &str| keyed(self.0.as_bytes(), text.as_bytes());
        mac(offered).verify_slice(&mac(&self.0).finalize().into_bytes()).is_ok()
    }

    /// A seal over `text` that only the holder of the token can make.
    pub(crate) fn seal(&self, text: &[u8]) -> [u8; SEAL_BYTES] {
        let full = keyed(self.0.as_bytes(), text).finalize().into_bytes();
        let mut seal = [0; SEAL_BYTES];
        seal.copy_from_slice(&full[..SEAL_BYTES]);
        seal
    }

    /// Whether `seal` was made by [`seal`](Self::seal) over `text`.
    pub(crate) fn sealed(&self, text: &[u8], seal: &[u8]) -> bool {
        seal.len() == SEAL_BYTES && keyed(self.0.as_bytes(), text).verify_truncated_left(seal).is_ok()
    }
}

fn keyed(key: &[u8], text: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac
}

fn is_token(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}
