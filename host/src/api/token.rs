//! The token that opens the API: made once, kept in one file that only its owner can read.
//!
//! In memory only its digest is kept. Where a request carries the token is `door`'s business.

use crate::config::Home;
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use subtle::ConstantTimeEq;

/// 32 random bytes in hexadecimal.
const TOKEN_DIGITS: usize = 64;

#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("{path} can't be used as the API token's file")]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "{path} does not hold 64 hexadecimal digits; remove it, and the next start makes a new token"
    )]
    Malformed { path: PathBuf },
    #[error("{path} belongs to user {owner}, not to user {us}")]
    Foreign { path: PathBuf, owner: u32, us: u32 },
    #[error("{path} is not a regular file")]
    NotAFile { path: PathBuf },
}

/// Proof that a token of full length exists; an empty one can't be built.
pub struct Token {
    digest: [u8; 32],
}

impl Token {
    /// Reads the token, or makes one when there is no file yet.
    ///
    /// # Errors
    /// [`TokenError`]: a damaged file is never replaced silently, because the programs that hold
    /// the old token would fail without a reason.
    pub fn open(path: &Path) -> Result<Self, TokenError> {
        let io = |source| TokenError::Io {
            path: path.to_owned(),
            source,
        };
        // A token that is made only now was never within reach of others.
        let kept = path.symlink_metadata().is_ok();
        if let Some(dir) = path.parent() {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(dir)
                .map_err(io)?;
            let found = File::open(dir).map_err(io)?;
            if tighten(&found, dir, 0o700)? && kept {
                reached(dir);
            }
        }
        let fresh = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        match fresh {
            Ok(file) => Self::make(file)
                .inspect_err(|_| drop(fs::remove_file(path)))
                .map_err(io),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Self::read(path),
            Err(error) => Err(io(error)),
        }
    }

    fn make(mut file: File) -> std::io::Result<Self> {
        let secret: [u8; 32] = rand::random();
        let digits = data_encoding::HEXLOWER.encode(&secret);
        file.write_all(format!("{digits}\n").as_bytes())?;
        file.sync_all()?;
        Ok(Self::of(digits.as_bytes()))
    }

    fn read(path: &Path) -> Result<Self, TokenError> {
        let io = |source| TokenError::Io {
            path: path.to_owned(),
            source,
        };
        // Neither through a link that somebody else could turn nor into a pipe that never ends.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let flags = i32::try_from(flags.bits()).unwrap_or(0);
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(flags)
            .open(path)
            .map_err(io)?;
        if !file.metadata().map_err(io)?.is_file() {
            return Err(TokenError::NotAFile {
                path: path.to_owned(),
            });
        }
        if tighten(&file, path, 0o600)? {
            reached(path);
        }
        let mut text = Vec::new();
        file.take(256).read_to_end(&mut text).map_err(io)?;
        let digits = text.strip_suffix(b"\n").unwrap_or(&text);
        if digits.len() != TOKEN_DIGITS || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(TokenError::Malformed {
                path: path.to_owned(),
            });
        }
        Ok(Self::of(digits))
    }

    fn of(digits: &[u8]) -> Self {
        Self {
            digest: Sha256::digest(digits).into(),
        }
    }

    /// Whether `given` is the token. Digests of equal length are compared, all of both, so the
    /// time says neither the length nor how much was right.
    pub fn is(&self, given: &[u8]) -> bool {
        let given: [u8; 32] = Sha256::digest(given).into();
        self.digest.ct_eq(&given).into()
    }
}

/// Takes from `path` what others could do with it; whether there was something.
fn tighten(found: &File, path: &Path, mode: u32) -> Result<bool, TokenError> {
    let io = |source| TokenError::Io {
        path: path.to_owned(),
        source,
    };
    let meta = found.metadata().map_err(io)?;
    let us = rustix::process::geteuid().as_raw();
    if meta.uid() != us {
        return Err(TokenError::Foreign {
            path: path.to_owned(),
            owner: meta.uid(),
            us,
        });
    }
    let open = meta.mode() & 0o7777 & !mode != 0;
    if open {
        found
            .set_permissions(Permissions::from_mode(mode))
            .map_err(io)?;
    }
    Ok(open)
}

fn reached(path: &Path) {
    tracing::warn!(
        path = %path.display(),
        "others could reach the API token; if you share this machine, remove the token file and restart"
    );
}

/// What a client on this machine sends: the file's digits.
///
/// # Errors
/// [`TokenError::Io`], [`TokenError::Malformed`].
pub fn read_for_client(home: &Home) -> Result<String, TokenError> {
    let path = home.token_file();
    let text = fs::read_to_string(&path).map_err(|source| TokenError::Io {
        path: path.clone(),
        source,
    })?;
    let digits = text.trim_end_matches('\n');
    if digits.len() != TOKEN_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(TokenError::Malformed { path });
    }
    Ok(digits.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn a_new_token_is_64_digits_that_only_its_owner_can_read() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("home/server-token");
        let made = Token::open(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.len(), 65);
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert!(made.is(text.trim().as_bytes()));
        let again = Token::open(&path).unwrap();
        assert!(again.is(text.trim().as_bytes()) && !again.is(b""));
        assert_eq!(
            read_for_client(&Home::at(root.path().join("home"), "/")).unwrap(),
            text.trim()
        );
    }

    #[test]
    fn only_a_token_that_others_could_reach_is_worth_a_warning() {
        use std::sync::{Arc, Mutex};
        #[derive(Clone, Default)]
        struct Said(Arc<Mutex<Vec<u8>>>);
        impl Write for Said {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.lock().unwrap().write(bytes)
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let warned = |path: &Path| {
            let said = Said::default();
            let into = said.clone();
            let subscriber = tracing_subscriber::fmt()
                .with_writer(move || into.clone())
                .finish();
            tracing::subscriber::with_default(subscriber, || Token::open(path)).unwrap();
            !said.0.lock().unwrap().is_empty()
        };
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("server-token");
        let open = |path: &Path| fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        open(root.path());
        assert!(!warned(&path), "there was no token yet");
        assert_eq!(mode(root.path()), 0o700);
        assert!(!warned(&path));
        open(root.path());
        assert!(warned(&path));
        open(&path);
        assert!(warned(&path));
    }

    #[test]
    fn two_installations_have_two_tokens() {
        let root = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| {
            Token::open(&root.path().join(name)).unwrap();
            fs::read(root.path().join(name)).unwrap()
        });
        assert_ne!(one, two);
    }

    #[test]
    fn a_damaged_token_file_is_refused_and_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("server-token");
        let whole = "0123456789abcdef".repeat(4);
        for damaged in [
            "",
            "\n",
            &whole[..63],
            &format!("{whole}0"),
            &format!("{whole}\n\n"),
            &whole.replace('a', "x"),
        ] {
            fs::write(&path, damaged).unwrap();
            assert!(
                matches!(Token::open(&path), Err(TokenError::Malformed { .. })),
                "{damaged:?}"
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
        }
        fs::write(&path, &whole).unwrap();
        assert!(Token::open(&path).unwrap().is(whole.as_bytes()));
    }

    #[test]
    fn a_token_file_that_others_could_read_is_tightened() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("server-token");
        Token::open(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        fs::set_permissions(root.path(), Permissions::from_mode(0o755)).unwrap();
        Token::open(&path).unwrap();
        assert_eq!((mode(&path), mode(root.path())), (0o600, 0o700));
        fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        Token::open(&path).unwrap();
        assert_eq!(mode(&path), 0o400, "a stricter mode stays");
    }

    #[test]
    fn a_link_or_a_directory_is_no_token_file() {
        let root = tempfile::tempdir().unwrap();
        let (link, dir) = (root.path().join("link"), root.path().join("dir"));
        fs::write(root.path().join("real"), "0".repeat(64)).unwrap();
        std::os::unix::fs::symlink(root.path().join("real"), &link).unwrap();
        fs::create_dir(&dir).unwrap();
        assert!(matches!(Token::open(&link), Err(TokenError::Io { .. })));
        assert!(matches!(
            Token::open(&dir),
            Err(TokenError::NotAFile { .. })
        ));
    }
}
