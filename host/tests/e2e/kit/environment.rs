//! What the tests need from outside: made by `cargo xtask test`, found here, never skipped.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The prepared environment.
pub struct Environment {
    /// Where it is: `e2e/` in cargo's target directory.
    pub folder: PathBuf,
    /// A Python that has the real `mcp` package.
    pub python: PathBuf,
    /// A detector that misbehaves on demand.
    pub hostile: Vec<u8>,
    servers: PathBuf,
}

impl Environment {
    /// The entry script of a published server.
    pub fn npm_server(&self, name: &str) -> PathBuf {
        let script = self
            .servers
            .join("@modelcontextprotocol")
            .join(name)
            .join("dist/index.js");
        needed(script)
    }
}

/// The environment.
///
/// # Panics
/// With a hint when it was not prepared: a test that can't run must not pass.
pub fn environment() -> &'static Environment {
    static FOUND: OnceLock<Environment> = OnceLock::new();
    FOUND.get_or_init(|| {
        let folder = match std::env::var_os("CLAWDEFENDER_E2E_DIR") {
            Some(given) => PathBuf::from(given),
            None => Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("e2e"),
        };
        Environment {
            python: needed(folder.join("venv/bin/python")),
            servers: needed(folder.join("node/node_modules")),
            hostile: std::fs::read(needed(folder.join("hostile.wasm"))).unwrap(),
            folder,
        }
    })
}

/// A script that lies beside this file.
pub fn kit_file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/e2e/kit")
        .join(name);
    path.to_str().unwrap().to_owned()
}

#[track_caller]
fn needed(path: PathBuf) -> PathBuf {
    assert!(
        path.exists(),
        "{} is missing\nhint: `cargo xtask test --prepare` makes what the end-to-end tests need",
        path.display()
    );
    path
}
