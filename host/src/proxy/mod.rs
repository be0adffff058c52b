//! The shim: what a client's configuration starts instead of the server.
//!
//! It starts the real server as its child, holds every message until the daemon has ruled on it,
//! and passes the original bytes on. No policy lives here, so none can be bypassed here; without a
//! daemon nothing passes.

mod again;
mod child;
mod contact;
mod ending;
mod outlet;
mod place;
mod refuse;
mod relay;

pub use contact::{ContactError, connect, ensure_daemon};

use crate::config::Home;
use crate::event::Launch;
use std::ffi::{OsStr, OsString};
use std::process::ExitCode;
use std::sync::Arc;

/// What the shim is to do.
pub struct Errand {
    pub home: Home,
    /// The server's name in the client's configuration.
    pub server: String,
    /// The real server's command line.
    pub command: Vec<OsString>,
    /// Variables that only the server gets; their values are recorded nowhere.
    pub env: Vec<(String, OsString)>,
    /// Where the server is, when `command` is our own bridge to it.
    pub origin: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    #[error(transparent)]
    Contact(#[from] ContactError),
    #[error("the server command `{command}` could not be started: {source}")]
    Spawn {
        command: String,
        source: std::io::Error,
    },
    #[error("the server command is not valid UTF-8")]
    Encoding,
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Variables that change what runs when a server is started. The daemon sees these and no others:
/// the rest of the environment may hold secrets and is none of its business. A `*` stands for any
/// ending; case does not matter, because npm ignores it.
///
/// Sources: the manual of each program, as of November 2026.
const LAUNCH_VARIABLES: &[&str] = &[
    // Where programs are found, and libraries that are loaded into them: ld.so(8), dyld(1),
    // iconv(1), openssl-env(7).
    "PATH",
    "LD_*",
    "DYLD_*",
    "GCONV_PATH",
    "OPENSSL_CONF",
    "OPENSSL_ENGINES",
    "OPENSSL_MODULES",
    // Files and code that a shell reads first: bash(1), sh(1), zsh(1).
    "SHELL",
    "ENV",
    "BASH_ENV",
    "BASH_FUNC_*",
    "SHELLOPTS",
    "PS4",
    "ZDOTDIR",
    // Where programs look for their settings: XDG Base Directory Specification.
    "HOME",
    "XDG_CONFIG_*",
    "XDG_DATA_*",
    "XDG_CACHE_HOME",
    // Node and what starts packages of it: node(1), npm-config(7), bun, deno, yarn, pnpm, corepack.
    "NODE_*",
    "TS_NODE_*",
    "npm_config_*",
    "NPM_REGISTRY",
    "JSR_URL",
    "BUN_*",
    "DENO_*",
    "YARN_*",
    "PNPM_*",
    "COREPACK_*",
    // Python: python(1), pip's configuration, pipx, uv, venv.
    "PYTHON*",
    "PIP_*",
    "PIPX_*",
    "UV_*",
    "VIRTUAL_ENV",
    // Perl, Ruby, PHP, Lua: perlrun(1), ruby(1), bundle-config(1), php(1), lua(1).
    "PERL5*",
    "PERLLIB",
    "RUBYOPT",
    "RUBYLIB",
    "GEM_HOME",
    "GEM_PATH",
    "BUNDLE_GEMFILE",
    "BUNDLE_PATH",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "LUA_*",
    // Java and .NET: the JVM's JAVA_TOOL_OPTIONS, java(1), .NET's startup hooks and profilers.
    "JAVA_*",
    "_JAVA_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "CLASSPATH",
    "DOTNET_*",
    "CORECLR_*",
    "COR_*",
    // Go and Rust: `go help environment`, the Cargo book.
    "GOENV",
    "GOFLAGS",
    "GOINSECURE",
    "GONOSUMCHECK",
    "GONOSUMDB",
    "GOPRIVATE",
    "GOPROXY",
    "GOSUMDB",
    "GOTOOLCHAIN",
    "CARGO_BUILD_*",
    "CARGO_REGISTRIES_*",
    "CARGO_SOURCE_*",
    "CARGO_TARGET_*",
    "RUSTC*",
    "RUSTUP_TOOLCHAIN",
    // Programs that git starts, and where packages from git come from: git(1), git-config(1).
    "GIT_SSH*",
    "GIT_PROXY_COMMAND",
    "GIT_EXEC_PATH",
    "GIT_ASKPASS",
    "GIT_CONFIG*",
    "GIT_TEMPLATE_DIR",
    "SSH_ASKPASS",
    // Containers: docker(1), podman(1).
    "DOCKER_*",
    "CONTAINER_HOST",
    "COMPOSE_*",
    // Whom a download is believed from: curl(1), openssl-env(7), requests.
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "SSL_CERT_*",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
];

/// Runs the shim until the client or the server ends. The answer is the server's exit code.
///
/// # Errors
/// [`ProxyError`] before the relay begins; afterwards failures are answered on the wire.
pub fn run(errand: &Errand) -> Result<ExitCode, ProxyError> {
    // Before anything that takes time: a client may end at once.
    let parent = contact::parent();
    let launch = Launch {
        origin: errand.origin.clone(),
        ..launch(&errand.command)?
    };
    let link = format!("{:08x}{:08x}", rand::random::<u32>(), std::process::id());
    let greeting = contact::Greeting {
        link,
        server: errand.server.clone(),
        launch,
        parent,
        program: std::env::current_exe().unwrap_or_default(),
    };
    let (stream, welcome) = match contact::greet_patiently(&errand.home, &greeting) {
        Ok(answer) => answer,
        Err(error) => {
            // Nothing was started. The client still gets an answer to each request.
            eprintln!("clawdefender: {error}");
            refuse::refuse_all();
            return Err(error.into());
        }
    };
    let child = if welcome.launch {
        Some(child::Child::spawn(&errand.command, &errand.env)?)
    } else {
        None
    };
    let relay = relay::Relay::new(errand.home.clone(), greeting, stream, &welcome);
    Ok(Arc::new(relay).run(child))
}

fn launch(command: &[OsString]) -> Result<Launch, ProxyError> {
    let argv = command
        .iter()
        .map(|word| word.to_str().map(str::to_owned).ok_or(ProxyError::Encoding))
        .collect::<Result<Vec<_>, _>>()?;
    let env = std::env::vars_os()
        .filter_map(|(name, value)| told(&name, &value))
        .collect();
    let cwd = std::env::current_dir()?.to_string_lossy().into_owned();
    Ok(Launch {
        argv,
        env,
        cwd,
        origin: None,
    })
}

/// A variable as the daemon is told of it, if it is one that matters. What is no UTF-8 still changes
/// the launch, so it is told as far as it is text.
fn told(name: &OsStr, value: &OsStr) -> Option<(String, String)> {
    let name = name.to_string_lossy().into_owned();
    changes_a_launch(&name).then(|| (name, value.to_string_lossy().into_owned()))
}

/// Whether a variable is one of [`LAUNCH_VARIABLES`] and, by its name, no credential: those of
/// registries ride in `npm_config_` and friends. The registry of a scope is none, whatever the scope
/// is called.
pub fn changes_a_launch(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let named = |known: &&str| {
        let known = known.to_ascii_lowercase();
        match known.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == known,
        }
    };
    let credential = ["auth", "token", "password", "secret"];
    // NODE_TLS_REJECT_UNAUTHORIZED only sounds like one.
    let plain = name.replace("unauthorized", "");
    let secret = !name.ends_with(":registry") && credential.iter().any(|word| plain.contains(word));
    LAUNCH_VARIABLES.iter().any(named) && !secret
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemon_sees_what_changes_a_launch_and_no_credential() {
        for seen in [
            "LD_AUDIT",
            "LD_LIBRARY_PATH",
            "DYLD_INSERT_LIBRARIES",
            "BASH_ENV",
            "ENV",
            "NODE_OPTIONS",
            "NODE_PATH",
            "npm_config_registry",
            "npm_config_@auth0:registry",
            "Npm_Config_Node_Options",
            "PYTHONSTARTUP",
            "PYTHONPATH",
            "PIP_INDEX_URL",
            "UV_INDEX",
            "PERL5OPT",
            "RUBYOPT",
            "JAVA_TOOL_OPTIONS",
            "GIT_SSH_COMMAND",
            "https_proxy",
        ] {
            assert!(changes_a_launch(seen), "{seen}");
        }
        for unseen in [
            "ENVIRONMENT",
            "HOMEPAGE",
            "API_KEY",
            "GITHUB_TOKEN",
            "npm_config_//registry.example/:_authToken",
            "NODE_AUTH_TOKEN",
            "UV_INDEX_X_PASSWORD",
            "CARGO_REGISTRIES_X_TOKEN",
        ] {
            assert!(!changes_a_launch(unseen), "{unseen}");
        }
    }

    #[test]
    fn a_variable_that_is_no_utf_8_is_told_as_far_as_it_is_text() {
        use std::os::unix::ffi::OsStrExt;
        let told = |name: &str, value: &[u8]| told(name.as_ref(), OsStr::from_bytes(value));
        let library = told("LD_PRELOAD", b"/tmp/\xff.so");
        assert_eq!(library.unwrap().1, "/tmp/\u{fffd}.so");
        assert_eq!(told("GITHUB_TOKEN", b"\xff"), None);
    }

    #[test]
    fn the_detector_sees_every_variable_that_it_reads() {
        let heeded = supply_chain::launch::heeded();
        assert!(heeded.len() > 20, "{heeded:?}");
        for name in heeded {
            assert!(changes_a_launch(&name), "{name}");
            assert!(changes_a_launch(&name.to_ascii_uppercase()), "{name}");
        }
    }
}
