//! Opaque, tamper-evident cursors: a position, sealed together with the list that it belongs to.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::problem::ProblemReply;
use crate::token::ApiToken;

/// Makes the cursor of `position` in the list that `list` names.
pub(crate) fn seal(token: &ApiToken, list: &str, position: i64) -> String {
    let position = position.to_be_bytes();
    let seal = token.seal(&sealed_text(list, position));
    URL_SAFE_NO_PAD.encode([&position[..], &seal[..]].concat())
}

/// The position that a cursor of this list holds.
pub(crate) fn open(token: &ApiToken, list: &str, cursor: &str) -> Result<i64, ProblemReply> {
    let refused = || {
        ProblemReply::bad_request(
            "bad_cursor",
            "this cursor was not made for this list; start again without a cursor",
        )
    };
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
    let (position, seal) = bytes.split_first_chunk::<8>().ok_or_else(refused)?;
    if !token.sealed(&sealed_text(list, *position), seal) {
        return Err(refused());
    }
    Ok(i64::from_be_bytes(*position))
}

fn sealed_text(list: &str, position: [u8; 8]) -> Vec<u8> {
    [b"cursor\0", list.as_bytes(), b"\0", &position].concat()
}
