//! Lends the host's event and steps to a detector: the same strings, in the shape of the contract.

use super::Step;
use super::bindings::api;
use crate::event::{AssetKind, Direction, Event, Kind, Role};
use std::collections::HashMap;
use std::sync::Arc;

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

/// A detector's past steps in the shape of the contract: a few long lists.
pub(super) struct Packed<'s> {
    steps: Vec<api::Step>,
    names: Vec<&'s str>,
    memos: Vec<u8>,
}

impl<'s> Packed<'s> {
    /// Of these steps, oldest first: at most 512, of 4 KiB each.
    pub(super) fn of(recent: &'s [Arc<Step>]) -> Self {
        let mut known = Names::default();
        let mut packed = Self {
            steps: Vec::with_capacity(recent.len()),
            names: Vec::new(),
            memos: Vec::with_capacity(recent.iter().map(|step| step.memo.len()).sum()),
        };
        for step in recent {
            packed.memos.extend_from_slice(&step.memo);
            let step = api::Step {
                at_ms: step.at_ms,
                server: packed.name(&mut known, &step.server),
                link: packed.name(&mut known, &step.link),
                memo_end: index(packed.memos.len()),
            };
            packed.steps.push(step);
        }
        packed
    }

    pub(super) fn lend(&self) -> api::History<'_> {
        api::History {
            steps: &self.steps,
            names: &self.names,
            memos: &self.memos,
            attrs: &[],
        }
    }

    fn name(&mut self, known: &mut Names<'s>, name: &'s str) -> u32 {
        // Neighbours mostly agree.
        let mut last = known.last.iter().flatten();
        if let Some((_, at)) = last.find(|(last, _)| *last == name) {
            return *at;
        }
        let at = *known.all.entry(name).or_insert_with(|| {
            self.names.push(name);
            index(self.names.len() - 1)
        });
        known.last.rotate_right(1);
        if let Some(first) = known.last.first_mut() {
            *first = Some((name, at));
        }
        at
    }
}

/// Names that were met, and those met last.
#[derive(Default)]
struct Names<'s> {
    all: HashMap<&'s str, u32>,
    last: [Option<(&'s str, u32)>; 4],
}

fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn step(server: &str, memo: &[u8]) -> Arc<Step> {
        Arc::new(Step {
            id: "e".into(),
            at_ms: 7,
            server: server.into(),
            link: "link".into(),
            memo: memo.to_vec(),
        })
    }

    #[test]
    fn each_step_finds_its_words_and_its_memo() {
        let recent = [step("a", b"one"), step("b", b""), step("a", b"three")];
        let packed = Packed::of(&recent);
        let steps: Vec<_> = packed
            .steps
            .iter()
            .map(|step| (step.server, step.link, step.memo_end))
            .collect();
        assert_eq!(steps, [(0, 1, 3), (2, 1, 3), (0, 1, 8)]);
        assert_eq!(packed.names, ["a", "link", "b"]);
        assert_eq!(packed.memos, b"onethree");
    }

    #[test]
    fn many_names_in_any_order_are_each_listed_once() {
        let servers = ["", "a", "b", "c", "d", "e", "a", "", "link", "e", "a"];
        let recent = servers.map(|server| step(server, b""));
        let packed = Packed::of(&recent);
        let named = packed.steps.iter().map(|step| {
            let name = |at: u32| packed.names[at as usize];
            (name(step.server), name(step.link))
        });
        assert!(named.eq(servers.map(|server| (server, "link"))));
        assert_eq!(packed.names, ["", "link", "a", "b", "c", "d", "e"]);
    }
}
