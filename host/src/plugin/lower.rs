//! Lends the host's event to a detector: the same strings, in the shape of the contract.

use super::bindings::api;
use crate::event::{AssetKind, Direction, Event, Kind, Role};

/// Calls `then` with the event as the contract has it. Nothing is copied but small tables.
pub(super) fn lend<R>(event: &Event, then: impl FnOnce(api::Event<'_>) -> R) -> R {
    let texts: Vec<api::Text<'_>> = event
        .texts
        .iter()
        .map(|text| api::Text {
            pointer: &text.pointer,
            role: role(&text.role),
            original: &text.original,
            canonical: text
                .canonical
                .as_ref()
                .map(|canonical| canonical.text.as_str()),
            attrs: &[],
        })
        .collect();
    let assets: Vec<api::Asset<'_>> = event
        .assets
        .iter()
        .map(|asset| api::Asset {
            kind: asset_kind(&asset.kind),
            value: &asset.value,
            text: asset.text.and_then(|index| u32::try_from(index).ok()),
            attrs: if asset.credential {
                &[("class", "credential")]
            } else {
                &[]
            },
        })
        .collect();
    let attrs = pairs(&event.attrs);
    let argv: Vec<&str>;
    let env: Vec<(&str, &str)>;
    let launch = match &event.launch {
        Some(launch) => {
            argv = launch.argv.iter().map(String::as_str).collect();
            env = pairs(&launch.env);
            Some(api::Launch {
                argv: &argv,
                env: &env,
                cwd: &launch.cwd,
            })
        }
        None => None,
    };
    then(api::Event {
        id: &event.id,
        at_ms: event.at_ms,
        kind: kind(&event.kind),
        direction: match event.direction {
            Direction::ToServer => api::Direction::ToServer,
            Direction::ToClient => api::Direction::ToClient,
            Direction::Local => api::Direction::Local,
        },
        link: &event.link,
        client: &event.client,
        server: api::Server {
            name: &event.server.name,
            package: event.server.package.as_deref().unwrap_or(""),
            attrs: &[],
        },
        method: &event.method,
        name: &event.name,
        texts: &texts,
        assets: &assets,
        launch,
        attrs: &attrs,
    })
}

fn pairs(list: &[(String, String)]) -> Vec<(&str, &str)> {
    list.iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

fn kind(kind: &Kind) -> api::KindParam<'_> {
    match kind {
        Kind::ToolCall => api::KindParam::ToolCall,
        Kind::ToolResult => api::KindParam::ToolResult,
        Kind::ToolDefinition => api::KindParam::ToolDefinition,
        Kind::PromptDefinition => api::KindParam::PromptDefinition,
        Kind::ResourceDefinition => api::KindParam::ResourceDefinition,
        Kind::ServerInstructions => api::KindParam::ServerInstructions,
        Kind::ResourceContent => api::KindParam::ResourceContent,
        Kind::PromptContent => api::KindParam::PromptContent,
        Kind::Completion => api::KindParam::Completion,
        Kind::Sampling => api::KindParam::Sampling,
        Kind::Elicitation => api::KindParam::Elicitation,
        Kind::Notice => api::KindParam::Notice,
        Kind::GuardCheck => api::KindParam::GuardCheck,
        Kind::ServerLaunch => api::KindParam::ServerLaunch,
        Kind::Other(method) => api::KindParam::Other(method),
    }
}

/// The host's word for a kind that a detector asks for.
pub(super) fn kind_word(kind: &api::KindResult) -> &str {
    match kind {
        api::KindResult::ToolCall => "tool-call",
        api::KindResult::ToolResult => "tool-result",
        api::KindResult::ToolDefinition => "tool-definition",
        api::KindResult::PromptDefinition => "prompt-definition",
        api::KindResult::ResourceDefinition => "resource-definition",
        api::KindResult::ServerInstructions => "server-instructions",
        api::KindResult::ResourceContent => "resource-content",
        api::KindResult::PromptContent => "prompt-content",
        api::KindResult::Completion => "completion",
        api::KindResult::Sampling => "sampling",
        api::KindResult::Elicitation => "elicitation",
        api::KindResult::Notice => "notice",
        api::KindResult::GuardCheck => "guard-check",
        api::KindResult::ServerLaunch => "server-launch",
        api::KindResult::Other(_) => "other",
    }
}

fn role(role: &Role) -> api::Role<'_> {
    match role {
        Role::Content => api::Role::Content,
        Role::Argument => api::Role::Argument,
        Role::Name => api::Role::Name,
        Role::Description => api::Role::Description,
        Role::Schema => api::Role::Schema,
        Role::Key => api::Role::Key,
        Role::Uri => api::Role::Uri,
        Role::Error => api::Role::Error,
        Role::Token => api::Role::Token,
        Role::Other(word) => api::Role::Other(word),
    }
}

fn asset_kind(kind: &AssetKind) -> api::AssetKind<'_> {
    match kind {
        AssetKind::Path => api::AssetKind::Path,
        AssetKind::Host => api::AssetKind::Host,
        AssetKind::Url => api::AssetKind::Url,
        AssetKind::Command => api::AssetKind::Command,
        AssetKind::Package => api::AssetKind::Package,
        AssetKind::Account => api::AssetKind::Account,
        AssetKind::Other(word) => api::AssetKind::Other(word),
    }
}
