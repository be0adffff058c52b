//! Compiled code on disk, believed only under a MAC with a key of ours.
//!
//! Cached code is native code. It is read whole, its MAC is checked in memory, and those very bytes
//! are loaded; a file that fails is removed and the component is compiled again.

use super::compile::{self, Failed};
use super::engine::Runtime;
use clawdefender_trust::Sha256Digest;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use wasmtime::component::Component;

const MAC_BYTES: usize = 32;

/// The compiled-code cache of one installation.
pub struct CodeCache {
    dir: PathBuf,
    key: [u8; 32],
    compiler: Option<PathBuf>,
}

impl CodeCache {
    /// Opens or makes the cache directory (0700) and its key (0600, 32 random bytes).
    ///
    /// # Errors
    /// When the directory or the key can't be made or read.
    pub fn open(dir: &Path) -> std::io::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)?;
        let path = dir.join("key");
        let mut key = [0_u8; 32];
        let made = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        match made {
            Ok(mut file) => {
                rand::fill(&mut key);
                file.write_all(&key)?;
                file.sync_all()?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let mut file = fs::File::open(&path)?;
                if file.read_exact(&mut key).is_err() {
                    // A key cut short by a crash protects nothing that is worth keeping.
                    fs::remove_file(&path)?;
                    return Self::open(dir);
                }
            }
            Err(error) => return Err(error),
        }
        Ok(Self {
            dir: dir.to_owned(),
            key,
            compiler: None,
        })
    }

    /// Compiles in processes of this executable, instead of in this one.
    #[must_use]
    pub fn compiling_apart(mut self) -> Self {
        // Not its path, where another version may stand by now.
        self.compiler = match cfg!(target_os = "linux") {
            true => Some("/proc/self/exe".into()),
            false => std::env::current_exe().ok(),
        };
        self
    }

    /// The component, from the cache when its MAC holds, else compiled and stored.
    ///
    /// # Errors
    /// When the bytes don't compile, or the process that compiles them dies of it. A cache that can't be written only costs time.
    pub fn component(
        &self,
        runtime: &Runtime,
        digest: &Sha256Digest,
        wasm: &[u8],
    ) -> Result<Component, wasmtime::Error> {
        let path = self.dir.join(format!("{digest}.code"));
        if let Some(code) = self.read(&path, runtime, digest) {
            // These bytes in memory carry our MAC over engine, component and code, so they are what
            // `Component::serialize` gave us for this component and this engine.
            match trusted(runtime, &code) {
                Ok(component) => return Ok(component),
                Err(error) => tracing::warn!(%error, "cached code refused, compiling again"),
            }
        }
        let code = self.compile(runtime, wasm)?;
        if let Err(error) = self.write(&path, runtime, digest, &code) {
            tracing::warn!(%error, "compiled code not cached");
        }
        trusted(runtime, &code)
    }

    fn compile(&self, runtime: &Runtime, wasm: &[u8]) -> Result<Vec<u8>, wasmtime::Error> {
        if let Some(program) = &self.compiler {
            match compile::apart(program, wasm) {
                Ok(code) => return Ok(code),
                Err(Failed::Refused(error)) => return Err(error),
                Err(Failed::NotStarted(error)) => {
                    tracing::warn!(%error, "no process to compile in, compiling here");
                }
            }
        }
        Component::new(runtime.engine(), wasm)?.serialize()
    }

    fn mac(&self, runtime: &Runtime, digest: &Sha256Digest, code: &[u8]) -> Option<Hmac<Sha256>> {
        let mut engine = std::hash::DefaultHasher::new();
        runtime
            .engine()
            .precompile_compatibility_hash()
            .hash(&mut engine);
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(b"clawdefender code cache 1\0");
        mac.update(&engine.finish().to_le_bytes());
        mac.update(digest.to_string().as_bytes());
        mac.update(code);
        Some(mac)
    }

    fn read(&self, path: &Path, runtime: &Runtime, digest: &Sha256Digest) -> Option<Vec<u8>> {
        let mut bytes = fs::read(path).ok()?;
        let code = bytes.split_off(MAC_BYTES.min(bytes.len()));
        let good = self
            .mac(runtime, digest, &code)?
            .verify_slice(&bytes)
            .is_ok();
        if good {
            return Some(code);
        }
        tracing::warn!("cached code discarded: its MAC does not hold");
        let _ = fs::remove_file(path);
        None
    }

    fn write(
        &self,
        path: &Path,
        runtime: &Runtime,
        digest: &Sha256Digest,
        code: &[u8],
    ) -> std::io::Result<()> {
        let mac = self
            .mac(runtime, digest, code)
            .ok_or_else(|| std::io::Error::other("no MAC"))?
            .finalize()
            .into_bytes();
        let staged = path.with_extension(format!("{}.part", std::process::id()));
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&staged)?;
        file.write_all(&mac)?;
        file.write_all(code)?;
        fs::rename(&staged, path)
    }
}

/// Loads native code that this program made: under our MAC, or just now.
fn trusted(runtime: &Runtime, code: &[u8]) -> Result<Component, wasmtime::Error> {
    // SAFETY: what the callers give is what `Component::serialize` gave, in this process, in one
    // of the same executable, or before, and then its MAC was checked on these bytes in memory.
    #[expect(unsafe_code, reason = "native code that this program made")]
    unsafe {
        Component::deserialize(runtime.engine(), code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only_file(dir: &Path) -> PathBuf {
        let files = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
        let code = files.filter(|path| path.extension().is_some_and(|end| end == "code"));
        let mut code: Vec<PathBuf> = code.collect();
        assert_eq!(code.len(), 1);
        code.remove(0)
    }

    #[test]
    fn native_code_that_was_planted_is_discarded_and_never_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::shared().unwrap();
        let wasm = wat::parse_str("(component)").unwrap();
        let digest = Sha256Digest::of(&wasm);
        let cache = CodeCache::open(&folder.path().join("own")).unwrap();
        let compile = || cache.component(runtime, &digest, &wasm).map(drop);
        compile().unwrap();
        let path = only_file(&cache.dir);
        let good = fs::read(&path).unwrap();
        assert!(cache.read(&path, runtime, &digest).is_some());

        // The same code under another installation's key, and under another component's name.
        let other = CodeCache::open(&folder.path().join("other")).unwrap();
        other.component(runtime, &digest, &wasm).unwrap();
        let foreign = fs::read(only_file(&other.dir)).unwrap();
        let flipped = |at: usize| {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            bytes
        };
        for planted in [
            foreign,
            flipped(0),
            flipped(MAC_BYTES),
            flipped(good.len() - 1),
            good[..good.len() - 1].to_vec(),
            good[..MAC_BYTES - 1].to_vec(),
            Vec::new(),
        ] {
            fs::write(&path, planted).unwrap();
            assert!(cache.read(&path, runtime, &digest).is_none());
            assert!(!path.exists(), "it is gone, and not tried again");
            compile().unwrap();
            assert_eq!(fs::read(&path).unwrap().len(), good.len(), "made anew");
        }
        let another = Sha256Digest::of(b"another component");
        assert!(cache.read(&path, runtime, &another).is_none());
    }
}
