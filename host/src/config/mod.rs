//! Where things are and how the daemon is set up: `CLAWDEFENDER_HOME` and `config.toml`.
//!
//! A leaf: knows names and numbers, opens nothing but the configuration file. The environment is
//! read here once and passed on.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// Longest path a Unix socket address takes on Linux, with its final NUL. Source: unix(7).
const SOCKET_PATH_BYTES: usize = 108;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("neither CLAWDEFENDER_HOME nor HOME is set")]
    NoHome,
    #[error("{variable} must be an absolute path, not `{path}`")]
    Relative {
        variable: &'static str,
        path: String,
    },
    #[error("{path}: {source}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path}:{line}:{column}: {message}")]
    Invalid {
        path: PathBuf,
        line: usize,
        column: usize,
        message: String,
    },
    #[error(
        "the socket path {path} is {length} bytes long, at most {SOCKET_PATH_BYTES} are possible"
    )]
    SocketPath { path: PathBuf, length: usize },
}

/// All our files: one directory, the same place on every system.
#[derive(Clone, Debug)]
pub struct Home {
    root: PathBuf,
    /// The user's home directory: what `~` means in policies and arguments.
    user: PathBuf,
}

impl Home {
    /// From `CLAWDEFENDER_HOME`, or `~/.local/share/clawdefender`.
    ///
    /// # Errors
    /// [`ConfigError::NoHome`], [`ConfigError::Relative`].
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_vars(std::env::var_os)
    }

    /// A relative path would be another place for each folder that a client starts us in.
    fn from_vars(read: impl Fn(&'static str) -> Option<OsString>) -> Result<Self, ConfigError> {
        let path = |variable| match read(variable).filter(|path| !path.is_empty()) {
            Some(path) if Path::new(&path).is_relative() => Err(ConfigError::Relative {
                variable,
                path: path.to_string_lossy().into_owned(),
            }),
            path => Ok(path.map(PathBuf::from)),
        };
        let user = path("HOME")?;
        match path("CLAWDEFENDER_HOME")? {
            Some(root) => {
                let user = user.unwrap_or_else(|| root.clone());
                Ok(Self { root, user })
            }
            None => {
                let user = user.ok_or(ConfigError::NoHome)?;
                Ok(Self {
                    root: user.join(".local/share/clawdefender"),
                    user,
                })
            }
        }
    }

    /// At a given place, for tests and tools.
    pub fn at(root: impl Into<PathBuf>, user: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            user: user.into(),
        }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }
    pub fn user(&self) -> &Path {
        &self.user
    }
    pub fn config_file(&self) -> PathBuf {
        self.root.join("config.toml")
    }
    pub fn policy_file(&self) -> PathBuf {
        self.root.join("policy.toml")
    }
    /// The advisories that a person accepted, sealed.
    pub fn overrides_file(&self) -> PathBuf {
        self.root.join("overrides.json")
    }
    /// What each server was when it was last allowed, sealed.
    pub fn pins_file(&self) -> PathBuf {
        self.root.join("pins.json")
    }
    pub fn token_file(&self) -> PathBuf {
        self.root.join("server-token")
    }
    pub fn audit_dir(&self) -> PathBuf {
        self.root.join("audit")
    }
    pub fn index_dir(&self) -> PathBuf {
        self.root.join("index")
    }
    pub fn feeds_dir(&self) -> PathBuf {
        self.root.join("feeds")
    }
    /// How far each feed was, sealed, and apart from the feeds.
    pub fn reached_file(&self) -> PathBuf {
        self.root.join("feeds-reached.json")
    }
    pub fn cache_dir(&self) -> PathBuf {
        self.root.join("cache")
    }
    pub fn models_dir(&self) -> PathBuf {
        self.root.join("models")
    }
    pub fn journal_dir(&self) -> PathBuf {
        self.root.join("journal")
    }
    /// Names that were cut from the lists of servers over HTTP.
    pub fn hidden_file(&self) -> PathBuf {
        self.root.join("hidden.json")
    }
    pub fn run_dir(&self) -> PathBuf {
        self.root.join("run")
    }
    /// Locked by the one daemon for as long as it lives.
    pub fn lock_file(&self) -> PathBuf {
        self.run_dir().join("daemon.lock")
    }
    pub fn log_file(&self) -> PathBuf {
        self.run_dir().join("daemon.log")
    }
    /// The processes that can't answer questions, for the next daemon.
    pub fn clients_file(&self) -> PathBuf {
        self.run_dir().join("clients.json")
    }
    /// Where the guard API really listens, written by the daemon.
    pub fn api_file(&self) -> PathBuf {
        self.run_dir().join("api.json")
    }

    /// Where MCP over HTTP really listens, written by the daemon.
    pub fn mcp_file(&self) -> PathBuf {
        self.run_dir().join("mcp.json")
    }

    /// The daemon's socket.
    ///
    /// # Errors
    /// [`ConfigError::SocketPath`] when the system can't address it.
    pub fn socket(&self) -> Result<PathBuf, ConfigError> {
        let path = self.run_dir().join("daemon.sock");
        let length = path.as_os_str().len();
        if length >= SOCKET_PATH_BYTES {
            return Err(ConfigError::SocketPath { path, length });
        }
        Ok(path)
    }
}

/// `config.toml`. Unknown keys are errors: a misspelt setting must not be silently ignored.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the guard API listens; only loopback addresses are taken.
    pub api_listen: SocketAddr,
    /// Where MCP over HTTP is served, once `upstreams` has an entry; only loopback addresses are
    /// taken.
    pub mcp_listen: SocketAddr,
    /// Servers that are reached over HTTP, by the name that clients use: `/mcp/NAME`.
    pub upstreams: BTreeMap<String, Upstream>,
    /// Largest frame in bytes; a longer one is refused while it is read.
    pub max_frame_bytes: usize,
    /// How long a message waits for a person. Source: clients give up near 60 s.
    pub ask_hold_s: u64,
    /// Settings per detector id, handed to its `configure`.
    pub detectors: BTreeMap<String, BTreeMap<String, String>>,
    /// Chains of the user's own for the kill-chain detector: a TOML file.
    pub chains_file: Option<PathBuf>,
    /// Where the official feed is fetched from: an https URL or a folder, or several in turn.
    pub feed_url: Mirrors,
    /// Certificate authorities to believe for feeds instead of the web's: a PEM file.
    pub feed_ca_file: Option<PathBuf>,
    /// Seconds between two looks for newer feeds, about; 0 for none but by hand. Source: the feed's
    /// failure semantics, 6 h at most between attempts.
    pub feed_check_s: u64,
    /// Where `self-update` looks for releases: an https URL or a folder.
    pub release_url: Option<String>,
}

/// Places that publish the same; none is trusted more than another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "OneOrMore")]
pub struct Mirrors(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl From<OneOrMore> for Mirrors {
    fn from(read: OneOrMore) -> Self {
        match read {
            OneOrMore::One(one) => Self(vec![one]),
            OneOrMore::More(more) => Self(more),
        }
    }
}

/// A server that is reached over HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// Its MCP endpoint: https, or http on this machine.
    pub url: String,
    /// Certificate authorities to believe instead of the web's: a PEM file.
    pub ca_file: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            api_listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3202),
            mcp_listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3100),
            upstreams: BTreeMap::new(),
            max_frame_bytes: 16 << 20,
            ask_hold_s: 50,
            detectors: BTreeMap::new(),
            chains_file: None,
            feed_url: Mirrors::default(),
            feed_ca_file: None,
            feed_check_s: 6 * 3600,
            release_url: None,
        }
    }
}

impl Config {
    /// Reads `config.toml`; a missing file means the defaults.
    ///
    /// # Errors
    /// [`ConfigError::Read`]; [`ConfigError::Invalid`] with the place.
    pub fn load(home: &Home) -> Result<Self, ConfigError> {
        let path = home.config_file();
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text, &path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(ConfigError::Read { path, source }),
        }
    }

    fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let invalid = |offset: usize, message: String| {
            let before = text.get(..offset).unwrap_or(text);
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
            ConfigError::Invalid {
                path: path.to_owned(),
                line,
                column,
                message,
            }
        };
        let config: Self = toml::from_str(text).map_err(|error| {
            invalid(
                error.span().map_or(0, |span| span.start),
                error.message().to_owned(),
            )
        })?;
        for (name, address) in [
            ("api_listen", config.api_listen),
            ("mcp_listen", config.mcp_listen),
        ] {
            if !address.ip().is_loopback() {
                let message = format!("{name} must be a loopback address, not {}", address.ip());
                return Err(invalid(0, message));
            }
        }
        if let Some(name) = config.upstreams.keys().find(|name| !is_path_word(name)) {
            let message = format!("upstreams: `{name}` must be 1 to 64 of A-Z a-z 0-9 . _ -");
            return Err(invalid(0, message));
        }
        if !(1024..=32 << 20).contains(&config.max_frame_bytes) {
            return Err(invalid(
                0,
                "max_frame_bytes must be between 1 KiB and 32 MiB".to_owned(),
            ));
        }
        Ok(config)
    }
}

/// What can stand in a URL's path as it is.
fn is_path_word(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(fits) && !name.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("config.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_misspelt_key_is_an_error_with_its_place() {
        let error = parse("ask_hold_s = 5\nask_hold = 5\n").unwrap_err();
        assert!(
            error.starts_with("config.toml:2:1: unknown field `ask_hold`"),
            "{error}"
        );
        assert_eq!(parse("ask_hold_s = 5\n").unwrap().ask_hold_s, 5);
    }

    #[test]
    fn every_setting_is_documented() {
        const PAGE: &str = include_str!("../../../docs/configuration.md");
        // What serde says when it meets a stranger names all of them.
        let error = parse("no_such_key = 1").unwrap_err();
        let (_, expected) = error.split_once("expected one of ").unwrap();
        let keys: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
        assert!(keys.len() > 10, "{error}");
        for key in keys {
            let named = [format!("`{key}`"), format!("`{key}.")];
            assert!(named.iter().any(|name| PAGE.contains(name)), "{key}");
        }
    }

    #[test]
    fn the_api_never_listens_beyond_loopback() {
        assert!(
            parse("api_listen = \"0.0.0.0:3202\"")
                .unwrap_err()
                .contains("loopback")
        );
        assert!(parse("api_listen = \"127.0.0.1:0\"").is_ok());
        assert!(
            parse("mcp_listen = \"[::]:3100\"")
                .unwrap_err()
                .contains("loopback")
        );
    }

    #[test]
    fn a_feed_has_one_source_or_several() {
        let urls = |text| parse(text).unwrap().feed_url.0;
        assert_eq!(urls(""), [""; 0]);
        assert_eq!(urls("feed_url = \"https://a\""), ["https://a"]);
        assert_eq!(
            urls("feed_url = [\"https://a\", \"https://b\"]"),
            ["https://a", "https://b"]
        );
        assert!(parse("feed_url = 7").is_err());
    }

    #[test]
    fn servers_have_a_name_that_fits_into_a_path() {
        let config = parse("[upstreams.docs]\nurl = \"https://mcp.example/mcp\"\n").unwrap();
        assert_eq!(config.upstreams["docs"].url, "https://mcp.example/mcp");
        for bad in ["\"a/b\"", "\"\"", "\"..\"", "\"a b\""] {
            let text = format!("[upstreams.{bad}]\nurl = \"https://mcp.example/mcp\"\n");
            assert!(parse(&text).unwrap_err().contains("A-Z a-z"), "{bad}");
        }
        let misspelt = "[upstreams.docs]\nurl = \"https://mcp.example/mcp\"\nca = \"x\"\n";
        assert!(parse(misspelt).unwrap_err().contains("unknown field `ca`"));
    }

    #[test]
    fn our_files_have_an_absolute_place() {
        let of = |user: &'static str, root: &'static str| {
            Home::from_vars(|name| Some(if name == "HOME" { user } else { root }.into()))
        };
        let root = |user, root| of(user, root).unwrap().root().to_owned();
        assert_eq!(root("/h", "/c"), Path::new("/c"));
        assert_eq!(root("/h", ""), Path::new("/h/.local/share/clawdefender"));
        assert_eq!(root("", "/c"), Path::new("/c"));
        for (user, root) in [("/h", "c"), ("h", "/c"), (".", ""), ("", "")] {
            assert!(of(user, root).is_err(), "{user} {root}");
        }
    }

    #[test]
    fn a_socket_path_the_system_cannot_address_is_refused() {
        let home = Home::at(format!("/{}", "x".repeat(120)), "/home/u");
        assert!(matches!(home.socket(), Err(ConfigError::SocketPath { .. })));
        assert!(Home::at("/tmp/c", "/home/u").socket().is_ok());
    }
}
