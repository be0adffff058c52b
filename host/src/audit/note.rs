//! Checkpoints: a signed note that says how long the log is and which root it has.
//!
//! Text form of C2SP tlog-checkpoint inside a C2SP signed-note: origin, size, base64 root, an empty
//! line, one signature line. Anyone's tool for either reads it.

use data_encoding::BASE64;

use super::key::{PublicKey, Signer};
use super::merkle::Hash;

/// What a checkpoint claims. Nothing is believed until [`Note::signature`] says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub origin: String,
    pub size: u64,
    pub root: Hash,
    text: String,
    signer: String,
    signature: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureState {
    Good,
    /// Made by this key, over something else.
    Bad,
    /// Made by a key with another id.
    OtherKey,
}

/// The signed text for a log of `size` frames with this root.
pub fn sign(signer: &Signer, size: u64, root: &Hash) -> String {
    let public = signer.public();
    let text = format!("{}\n{size}\n{}\n", public.origin(), BASE64.encode(root));
    let mut blob = public.id().to_vec();
    blob.extend_from_slice(&signer.sign(text.as_bytes()));
    format!(
        "{text}\n\u{2014} {} {}\n",
        public.origin(),
        BASE64.encode(&blob)
    )
}

impl Note {
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let whole = std::str::from_utf8(bytes).ok()?;
        let (text, signatures) = whole.split_once("\n\n")?;
        let mut lines = text.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let line = signatures.strip_suffix('\n')?.strip_prefix("\u{2014} ")?;
        let (signer, blob) = line.split_once(' ')?;
        let canonical_size = size == "0" || !size.starts_with('0');
        if lines.next().is_some() || !canonical_size || !size.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        Some(Self {
            origin: origin.to_owned(),
            size: size.parse().ok()?,
            root: BASE64.decode(root.as_bytes()).ok()?.try_into().ok()?,
            text: format!("{text}\n"),
            signer: signer.to_owned(),
            signature: BASE64.decode(blob.as_bytes()).ok()?,
        })
    }

    pub fn signature(&self, key: &PublicKey) -> SignatureState {
        let Some((id, signature)) = self.signature.split_first_chunk::<4>() else {
            return SignatureState::Bad;
        };
        if *id != key.id() || self.signer != key.origin() {
            return SignatureState::OtherKey;
        }
        match <&[u8; 64]>::try_from(signature) {
            Ok(signature) if key.verifies(self.text.as_bytes(), signature) => SignatureState::Good,
            _ => SignatureState::Bad,
        }
    }

    /// Whether text and signature line name the same log: a damaged origin does not.
    pub fn names_one_origin(&self) -> bool {
        self.origin == self.signer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer() -> Signer {
        Signer::open_or_make(tempfile::tempdir().unwrap().path()).unwrap()
    }

    #[test]
    fn a_note_reads_back_and_verifies_under_its_own_key_only() {
        let (ours, theirs) = (signer(), signer());
        let note = Note::parse(sign(&ours, 42, &[3; 32]).as_bytes()).unwrap();
        assert_eq!(
            (note.size, note.root, note.origin.as_str()),
            (42, [3; 32], ours.public().origin())
        );
        assert_eq!(note.signature(ours.public()), SignatureState::Good);
        assert_eq!(note.signature(theirs.public()), SignatureState::OtherKey);
    }

    #[test]
    fn any_changed_byte_is_either_unreadable_or_unsigned() {
        let signer = signer();
        let good = sign(&signer, 1000, &[9; 32]).into_bytes();
        for at in 0..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            let accepted = Note::parse(&bytes)
                .is_some_and(|note| note.signature(signer.public()) == SignatureState::Good);
            assert!(!accepted, "flipped bit in byte {at}");
        }
    }
}
