//! Makes events as the host would, for unit tests and for case files.

use crate::canonical::canonical;
use crate::{Asset, AssetKind, Direction, Event, Kind, Launch, Role, Server, Text};

/// An event in the making.
#[derive(Clone, Debug)]
pub struct EventBuilder(Event);

impl EventBuilder {
    /// An event of `kind` from the server "test", travelling the way that kind travels.
    pub fn new(kind: Kind) -> Self {
        let (direction, method) = travels(&kind);
        let method = method.to_owned();
        Self(Event {
            id: "event-1".into(),
            at_ms: 1_700_000_000_000,
            kind,
            direction,
            link: "link-test".into(),
            client: "test-client".into(),
            server: Server {
                name: "test".into(),
                package: String::new(),
                attrs: Vec::new(),
            },
            method,
            name: String::new(),
            texts: Vec::new(),
            assets: Vec::new(),
            launch: None,
            attrs: Vec::new(),
        })
    }

    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.0.id = id.into();
        self
    }

    pub fn at_ms(mut self, at_ms: u64) -> Self {
        self.0.at_ms = at_ms;
        self
    }

    pub fn direction(mut self, direction: Direction) -> Self {
        self.0.direction = direction;
        self
    }

    /// The server's name; its link is named after it.
    pub fn server(mut self, name: impl Into<String>) -> Self {
        self.0.server.name = name.into();
        self.0.link = format!("link-{}", self.0.server.name);
        self
    }

    /// The launched package as `ecosystem:name@version`.
    pub fn package(mut self, package: impl Into<String>) -> Self {
        self.0.server.package = package.into();
        self
    }

    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.0.method = method.into();
        self
    }

    /// Tool, prompt or URI.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.0.name = name.into();
        self
    }

    /// A text where that kind of event usually carries one.
    pub fn text(self, text: impl Into<String>) -> Self {
        let (pointer, role) = usual_place(&self.0.kind, self.0.texts.len());
        self.text_at(pointer, role, text)
    }

    pub fn text_at(
        mut self,
        pointer: impl Into<String>,
        role: Role,
        text: impl Into<String>,
    ) -> Self {
        let original = text.into();
        let canonical = canonical(&original).map(|canonical| canonical.text);
        self.0.texts.push(Text {
            pointer: pointer.into(),
            role,
            original,
            canonical,
            attrs: Vec::new(),
        });
        self
    }

    /// Arguments as the host hands them over: strings, numbers that could name something (from five
    /// digits on), and switches that have a name (true, false, 0, 1) as the protocol's own words. `pointer` is where
    /// they stand.
    pub fn arguments(self, pointer: &str, value: &serde_json::Value) -> Self {
        use serde_json::Value;
        let switch = |event: Self, word: &str| {
            event.text_at(pointer, Role::Other("protocol".to_owned()), word)
        };
        match value {
            Value::String(text) => self.text_at(pointer, Role::Argument, text),
            Value::Number(number) => match number.to_string() {
                word if matches!(word.as_str(), "0" | "1") => switch(self, &word),
                word if word.len() >= 5 && word.bytes().all(|byte| byte.is_ascii_digit()) => {
                    self.text_at(pointer, Role::Argument, word)
                }
                _ => self,
            },
            Value::Bool(value) => switch(self, if *value { "true" } else { "false" }),
            Value::Null => self,
            Value::Array(values) => {
                let is_named =
                    |value: &Value| !value.is_boolean() && !matches!(value.as_u64(), Some(0 | 1));
                let named = values.iter().enumerate().filter(|(_, own)| is_named(own));
                named.fold(self, |event, (at, value)| {
                    event.arguments(&format!("{pointer}/{at}"), value)
                })
            }
            Value::Object(members) => members.iter().fold(self, |event, (name, value)| {
                let name = name.replace('~', "~0").replace('/', "~1");
                event.arguments(&format!("{pointer}/{name}"), value)
            }),
        }
    }

    /// Something the event touches, in canonical form.
    pub fn asset(self, kind: AssetKind, value: impl Into<String>) -> Self {
        self.asset_with(kind, value, Vec::new())
    }

    /// The same with what the host knows about it, such as `class` = `credential`.
    pub fn asset_with(
        mut self,
        kind: AssetKind,
        value: impl Into<String>,
        attrs: Vec<(String, String)>,
    ) -> Self {
        let text = (!self.0.texts.is_empty()).then_some(0);
        self.0.assets.push(Asset {
            kind,
            value: value.into(),
            text,
            attrs,
        });
        self
    }

    /// What would be executed.
    pub fn launch<S: Into<String>>(mut self, argv: impl IntoIterator<Item = S>) -> Self {
        let launch = self.0.launch.get_or_insert_with(|| Launch {
            argv: Vec::new(),
            env: Vec::new(),
            cwd: "/home/user".into(),
        });
        launch.argv = argv.into_iter().map(Into::into).collect();
        self
    }

    /// A variable of the launch.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Some(launch) = &mut self.0.launch {
            launch.env.push((name.into(), value.into()));
        }
        self
    }

    pub fn cwd(mut self, cwd: impl Into<String>) -> Self {
        if let Some(launch) = &mut self.0.launch {
            launch.cwd = cwd.into();
        }
        self
    }

    pub fn attr(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.attrs.push((name.into(), value.into()));
        self
    }

    pub fn build(self) -> Event {
        self.0
    }
}

/// Which way a kind travels, and the method that carries it.
fn travels(kind: &Kind) -> (Direction, &str) {
    match kind {
        Kind::ToolCall => (Direction::ToServer, "tools/call"),
        Kind::ToolResult => (Direction::ToClient, "tools/call"),
        Kind::ToolDefinition => (Direction::ToClient, "tools/list"),
        Kind::PromptDefinition => (Direction::ToClient, "prompts/list"),
        Kind::ResourceDefinition => (Direction::ToClient, "resources/list"),
        Kind::ServerInstructions => (Direction::ToClient, "initialize"),
        Kind::ResourceContent => (Direction::ToClient, "resources/read"),
        Kind::PromptContent => (Direction::ToClient, "prompts/get"),
        Kind::Completion => (Direction::ToClient, "completion/complete"),
        Kind::Sampling => (Direction::ToClient, "sampling/createMessage"),
        Kind::Elicitation => (Direction::ToClient, "elicitation/create"),
        Kind::Notice => (Direction::ToClient, "notifications/message"),
        Kind::GuardCheck | Kind::ServerLaunch => (Direction::Local, ""),
        Kind::Other(method) => (Direction::ToClient, method),
    }
}

fn usual_place(kind: &Kind, index: usize) -> (String, Role) {
    match kind {
        Kind::ToolCall => (format!("/params/arguments/arg{index}"), Role::Argument),
        Kind::ToolResult => (format!("/result/content/{index}/text"), Role::Content),
        Kind::ToolDefinition if index == 0 => {
            ("/result/tools/0/description".into(), Role::Description)
        }
        Kind::ToolDefinition => {
            let property = format!("/result/tools/0/inputSchema/properties/p{index}/description");
            (property, Role::Description)
        }
        Kind::PromptDefinition => ("/result/prompts/0/description".into(), Role::Description),
        Kind::ResourceDefinition => ("/result/resources/0/description".into(), Role::Description),
        Kind::ServerInstructions => ("/result/instructions".into(), Role::Content),
        Kind::ResourceContent => (format!("/result/contents/{index}/text"), Role::Content),
        Kind::PromptContent => (
            format!("/result/messages/{index}/content/text"),
            Role::Content,
        ),
        Kind::Completion => (format!("/result/completion/values/{index}"), Role::Content),
        Kind::Sampling => (
            format!("/params/messages/{index}/content/text"),
            Role::Content,
        ),
        Kind::Elicitation => ("/params/message".into(), Role::Content),
        Kind::Notice => ("/params/data".into(), Role::Content),
        Kind::GuardCheck => (String::new(), Role::Content),
        Kind::ServerLaunch => (String::new(), Role::Argument),
        Kind::Other(_) => (format!("/params/{index}"), Role::Content),
    }
}
