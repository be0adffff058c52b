//! An event: what one MCP message (or launch, or guard check) means, normalised and owned.
//!
//! Facts only. Whether something is bad is for detectors to claim and for policy to decide. The
//! types mirror `wit/detector.wit`, which says what each field means; the `plugin` module lends
//! them to detectors.

pub mod address;
pub mod assets;
pub mod classes;
pub mod constant;
pub mod credential;
pub mod finding;
pub mod guard;
pub mod hidden;
pub mod identity;
pub mod international;
pub mod launch;
pub mod named;
pub mod place;
pub mod programs;
pub mod redacted;
pub mod secret;
pub mod shell;
pub mod surface;
pub mod usage;

use std::ops::Range;

pub use crate::mcp::fold::same as is_same_key;
pub use finding::{Category, Fault, FaultKind, Finding, Severity, Span, View};

/// What happened. See `kind` in `wit/detector.wit`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    ToolCall,
    ToolResult,
    ToolDefinition,
    PromptDefinition,
    ResourceDefinition,
    ServerInstructions,
    ResourceContent,
    PromptContent,
    Completion,
    Sampling,
    Elicitation,
    Notice,
    GuardCheck,
    ServerLaunch,
    /// A message without a name of its own here; the string is its method.
    Other(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    ToServer,
    ToClient,
    Local,
}

/// What part a text plays. See `role` in `wit/detector.wit`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    Content,
    Argument,
    Name,
    Description,
    Schema,
    Key,
    Uri,
    Error,
    Token,
    Other(String),
}

/// One string of the message.
#[derive(Clone, Debug)]
pub struct Text {
    /// RFC 6901 pointer from the message's root, "" outside JSON.
    pub pointer: String,
    pub role: Role,
    /// After JSON unescaping.
    pub original: String,
    /// Present only when it differs from `original`.
    pub canonical: Option<clawdefender_sdk::canonical::Canonical>,
    /// The string literal's bytes in the frame, quotes included: where `redact` splices. A number has
    /// none.
    pub literal: Option<Range<usize>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AssetKind {
    Path,
    Host,
    Url,
    Command,
    Package,
    Account,
    Other(String),
}

/// The kind of what stands for packages that are not listed.
pub const MORE_PACKAGES: &str = "more-packages";

/// What the event touches, in canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    pub kind: AssetKind,
    pub value: String,
    /// Index into [`Event::texts`].
    pub text: Option<usize>,
    /// Other spellings of the same thing that rules may also name: a path before its symbolic
    /// links were resolved, for example.
    pub aliases: Vec<String>,
    /// A place where secrets live: set from the credential table.
    pub credential: bool,
    /// A word with wildcards of which a shell makes other names.
    pub wild: bool,
}

/// Who answers on the other side.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Server {
    /// The name in the client's configuration; never the launcher's ("npx").
    pub name: String,
    /// `ecosystem:name@version` of the launched package, or the origin of a server that is reached
    /// over HTTP, when known.
    pub package: Option<String>,
}

/// How a server is started: argv, the variables that change what a launcher runs, directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Launch {
    pub argv: Vec<String>,
    pub env: Vec<(String, String)>,
    pub cwd: String,
    /// Where the server is, when what is launched is our own bridge to it. Said by the shim, never
    /// read from argv: a program that merely looks like the bridge has none.
    #[serde(default)]
    pub origin: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Event {
    pub id: String,
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
    pub kind: Kind,
    pub direction: Direction,
    pub link: String,
    pub client: String,
    pub server: Server,
    /// The JSON-RPC method, or of a response the method it answers.
    pub method: String,
    /// Tool, prompt or URI: what the kind says.
    pub name: String,
    pub texts: Vec<Text>,
    pub assets: Vec<Asset>,
    pub launch: Option<Launch>,
    pub attrs: Vec<(String, String)>,
}

impl Event {
    /// Whether a rule that redacts replaces this text: all but what is [fixed](Self::is_fixed) and
    /// what has no place of its own in the message.
    pub fn may_redact(&self, text: &Text) -> bool {
        !self.is_fixed(text) && text.literal.is_some()
    }

    /// Whether nobody chose this text, or the message needs it as it is: keys, the protocol's own
    /// words, what is to be sent back as it came, the name under which a definition is found, and
    /// nothing at all.
    pub fn is_fixed(&self, text: &Text) -> bool {
        let defines = matches!(
            self.kind,
            Kind::ToolDefinition | Kind::PromptDefinition | Kind::ResourceDefinition
        );
        let fixed = match &text.role {
            Role::Key => true,
            Role::Other(word) => {
                word == "protocol" && constant::is_constant(&text.pointer, &text.original)
            }
            Role::Token => constant::is_echo(&text.pointer),
            Role::Name | Role::Uri => defines && text.original == self.name,
            _ => false,
        };
        fixed || text.original.is_empty()
    }
}

impl Kind {
    /// The kind with this word; any other word is a method.
    pub fn named(word: &str) -> Self {
        [
            Self::ToolCall,
            Self::ToolResult,
            Self::ToolDefinition,
            Self::PromptDefinition,
            Self::ResourceDefinition,
            Self::ServerInstructions,
            Self::ResourceContent,
            Self::PromptContent,
            Self::Completion,
            Self::Sampling,
            Self::Elicitation,
            Self::Notice,
            Self::GuardCheck,
            Self::ServerLaunch,
        ]
        .into_iter()
        .find(|kind| kind.word() == word)
        .unwrap_or_else(|| Self::Other(word.to_owned()))
    }

    /// The word used in policies, records, `inspect` and the detector contract.
    pub fn word(&self) -> &str {
        match self {
            Self::ToolCall => "tool-call",
            Self::ToolResult => "tool-result",
            Self::ToolDefinition => "tool-definition",
            Self::PromptDefinition => "prompt-definition",
            Self::ResourceDefinition => "resource-definition",
            Self::ServerInstructions => "server-instructions",
            Self::ResourceContent => "resource-content",
            Self::PromptContent => "prompt-content",
            Self::Completion => "completion",
            Self::Sampling => "sampling",
            Self::Elicitation => "elicitation",
            Self::Notice => "notice",
            Self::GuardCheck => "guard-check",
            Self::ServerLaunch => "server-launch",
            Self::Other(method) => method,
        }
    }
}

impl Direction {
    /// The word used in policies and records.
    pub fn word(self) -> &'static str {
        match self {
            Self::ToServer => "to-server",
            Self::ToClient => "to-client",
            Self::Local => "local",
        }
    }
}

impl Role {
    /// The role with this word, as in `wit/detector.wit`.
    pub fn named(word: &str) -> Self {
        match word {
            "content" => Self::Content,
            "argument" => Self::Argument,
            "name" => Self::Name,
            "description" => Self::Description,
            "schema" => Self::Schema,
            "key" => Self::Key,
            "uri" => Self::Uri,
            "error" => Self::Error,
            "token" => Self::Token,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl AssetKind {
    /// The kind with this word.
    pub fn named(word: &str) -> Self {
        [
            Self::Path,
            Self::Host,
            Self::Url,
            Self::Command,
            Self::Package,
            Self::Account,
        ]
        .into_iter()
        .find(|kind| kind.word() == word)
        .unwrap_or_else(|| Self::Other(word.to_owned()))
    }

    /// The word used in policies and records.
    pub fn word(&self) -> &str {
        match self {
            Self::Path => "path",
            Self::Host => "host",
            Self::Url => "url",
            Self::Command => "command",
            Self::Package => "package",
            Self::Account => "account",
            Self::Other(word) => word,
        }
    }
}
