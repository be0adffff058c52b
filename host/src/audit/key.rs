//! The ledger's signing key and the name it signs under.
//!
//! `key` holds the 32 secret bytes in hexadecimal, `key.pub` the verifier key in the C2SP
//! signed-note form `<origin>+<key id>+<base64 of 0x01 ‖ public key>`. The origin names the
//! install, so a checkpoint of one machine can't pass for another's.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use data_encoding::{BASE64, HEXLOWER};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use super::AuditError;

const ORIGIN_PREFIX: &str = "clawdefender/audit/";
/// Algorithm byte of Ed25519 in a signed note. Source: C2SP signed-note.
const ED25519: u8 = 1;

/// The public half: what a reader needs to check a log, and what is worth keeping elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    origin: String,
    key: VerifyingKey,
}

/// Both halves. Only the writer has it.
pub struct Signer {
    public: PublicKey,
    key: SigningKey,
}

impl PublicKey {
    /// Reads the one-line verifier key.
    pub fn parse(line: &str) -> Option<Self> {
        let mut parts = line.trim_end().splitn(3, '+');
        let (origin, id, key) = (parts.next()?, parts.next()?, parts.next()?);
        let key = BASE64.decode(key.as_bytes()).ok()?;
        let (algorithm, key) = key.split_first()?;
        if *algorithm != ED25519 || !plausible_origin(origin) {
            return None;
        }
        let key = VerifyingKey::from_bytes(key.try_into().ok()?).ok()?;
        let public = Self {
            origin: origin.to_owned(),
            key,
        };
        (!public.key.is_weak() && HEXLOWER.encode(&public.id()) == id).then_some(public)
    }

    /// The key of the log in `dir`.
    ///
    /// # Errors
    /// [`AuditError`] when there is none that can be read.
    pub fn of(dir: &Path) -> Result<Self, AuditError> {
        let read = Self::read(dir).map_err(|source| AuditError::Io {
            what: "read the public key",
            source,
        })?;
        read.ok_or(AuditError::Key("key.pub is not a verifier key"))
    }

    pub(super) fn read(dir: &Path) -> io::Result<Option<Self>> {
        Ok(Self::parse(&fs::read_to_string(dir.join("key.pub"))?))
    }

    /// The one-line verifier key.
    pub fn line(&self) -> String {
        let mut key = vec![ED25519];
        key.extend_from_slice(self.key.as_bytes());
        format!(
            "{}+{}+{}",
            self.origin,
            HEXLOWER.encode(&self.id()),
            BASE64.encode(&key)
        )
    }

    /// `clawdefender/audit/<install-id>`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Source: C2SP signed-note, "Verifier keys".
    pub(super) fn id(&self) -> [u8; 4] {
        let digest: [u8; 32] = Sha256::new()
            .chain_update(&self.origin)
            .chain_update([b'\n', ED25519])
            .chain_update(self.key.as_bytes())
            .finalize()
            .into();
        let [a, b, c, d, ..] = digest;
        [a, b, c, d]
    }

    /// Whether the other half of this key signed exactly these bytes.
    pub fn verifies(&self, text: &[u8], signature: &[u8; 64]) -> bool {
        self.key
            .verify_strict(text, &Signature::from_bytes(signature))
            .is_ok()
    }
}

impl Signer {
    /// The key in `dir`, made there when neither half exists yet.
    ///
    /// # Errors
    /// [`AuditError::Key`] when only one half exists, or when they don't belong together: a new key
    /// made silently would hide a replaced one.
    pub fn open_or_make(dir: &Path) -> Result<Self, AuditError> {
        let read = |what| move |source| AuditError::Io { what, source };
        let secret = match fs::read_to_string(dir.join("key")) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(read("read the key")(error)),
        };
        let public = match PublicKey::read(dir) {
            Ok(public) => Some(public.ok_or(AuditError::Key("key.pub is not a verifier key"))?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(read("read the public key")(error)),
        };
        match (secret, public) {
            (Some(secret), Some(public)) => {
                let secret = HEXLOWER
                    .decode(secret.trim_end().as_bytes())
                    .ok()
                    .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
                    .ok_or(AuditError::Key("key is not 64 hexadecimal digits"))?;
                let key = SigningKey::from_bytes(&secret);
                if key.verifying_key() != public.key {
                    return Err(AuditError::Key("key and key.pub don't belong together"));
                }
                Ok(Self { public, key })
            }
            (None, None) => {
                let signer = Self::make();
                // The public half last: it exists only beside a complete secret half.
                signer.write(dir).map_err(read("write the key"))?;
                Ok(signer)
            }
            (Some(_), None) => Err(AuditError::Key("key.pub is missing")),
            (None, Some(_)) => Err(AuditError::Key("key is missing")),
        }
    }

    fn make() -> Self {
        let key = SigningKey::from_bytes(&rand::random());
        let install: [u8; 8] = rand::random();
        let origin = format!("{ORIGIN_PREFIX}{}", HEXLOWER.encode(&install));
        Self {
            public: PublicKey {
                origin,
                key: key.verifying_key(),
            },
            key,
        }
    }

    fn write(&self, dir: &Path) -> io::Result<()> {
        write_new(
            &dir.join("key"),
            &format!("{}\n", HEXLOWER.encode(self.key.as_bytes())),
        )?;
        write_new(&dir.join("key.pub"), &format!("{}\n", self.public.line()))?;
        File::open(dir)?.sync_all()
    }

    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    pub fn sign(&self, text: &[u8]) -> [u8; 64] {
        self.key.sign(text).to_bytes()
    }
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn plausible_origin(origin: &str) -> bool {
    origin.strip_prefix(ORIGIN_PREFIX).is_some_and(|install| {
        !install.is_empty()
            && install
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let first = Signer::open_or_make(dir.path()).unwrap();
        let again = Signer::open_or_make(dir.path()).unwrap();
        assert_eq!(first.public(), again.public());
        assert_eq!(
            PublicKey::parse(&first.public().line()).as_ref(),
            Some(first.public())
        );
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &fs::metadata(dir.path().join("key")).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn half_a_key_or_two_strangers_are_refused_rather_than_replaced() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        Signer::open_or_make(a.path()).unwrap();
        Signer::open_or_make(b.path()).unwrap();
        fs::copy(b.path().join("key.pub"), a.path().join("key.pub")).unwrap();
        assert!(matches!(
            Signer::open_or_make(a.path()),
            Err(AuditError::Key(_))
        ));
        fs::remove_file(a.path().join("key.pub")).unwrap();
        assert!(matches!(
            Signer::open_or_make(a.path()),
            Err(AuditError::Key(_))
        ));
        fs::remove_file(b.path().join("key")).unwrap();
        assert!(matches!(
            Signer::open_or_make(b.path()),
            Err(AuditError::Key(_))
        ));
    }

    #[test]
    fn a_verifier_key_with_another_id_or_algorithm_is_none() {
        let line = Signer::make().public().line();
        assert!(PublicKey::parse(&line).is_some());
        let (origin, rest) = line.split_once('+').unwrap();
        let (_, key) = rest.split_once('+').unwrap();
        assert!(PublicKey::parse(&format!("{origin}+00000000+{key}")).is_none());
        assert!(PublicKey::parse(&line.replace("clawdefender", "someone")).is_none());
        assert!(PublicKey::parse("").is_none());
    }
}
