//! Signing archives of the program in minisign's form, so that people can check a download with the
//! minisign tool. The host verifies with the crate `minisign-verify`.
//!
//! Source: minisign's documentation, "Signature format" and "Public key format"; only the prehashed
//! kind (`ED`) is made.

use blake2::{Blake2b512, Digest};
use data_encoding::BASE64;

use crate::{PublicKey, SecretKey};

/// The file that holds a release key's public half.
#[must_use]
pub fn release_public_file(key: &PublicKey) -> String {
    format!(
        "untrusted comment: ClawDefender release key {}\n{}\n",
        key.id(),
        release_public_line(key)
    )
}

/// The line of that file that matters: `Ed`, the eight bytes of the key's id, the key.
#[must_use]
pub fn release_public_line(key: &PublicKey) -> String {
    let number = number(key);
    BASE64.encode(&[b"Ed".as_slice(), &number, key.as_bytes()].concat())
}

/// The `.minisig` of `archive`; `comment` is one line and signed along.
#[must_use]
pub fn sign_release(archive: &[u8], comment: &str, key: &SecretKey) -> String {
    let signature = key.sign(&Blake2b512::digest(archive));
    let number = number(&key.public());
    let line = BASE64.encode(&[b"ED".as_slice(), &number, &signature].concat());
    let global = key.sign(&[&signature, comment.as_bytes()].concat());
    format!(
        "untrusted comment: signature of a ClawDefender release\n{line}\n\
         trusted comment: {comment}\n{}\n",
        BASE64.encode(&global)
    )
}

/// What minisign calls a key number. It finds a key and proves nothing, as our key id.
fn number(key: &PublicKey) -> [u8; 8] {
    key.id().bytes()
}
