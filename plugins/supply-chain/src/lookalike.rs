//! Names that are made to be mistaken for a well-known one.
//!
//! Three tricks: other separators (`mcp_server-fetch`, a scope flattened into the name), characters
//! that look alike (`mcp-rem0te`), and one slip of the finger. The list of names worth imitating is
//! data; a name on it is never a look-alike of another.

use crate::package::Ecosystem;

/// Shorter names have too many innocent neighbours.
const MIN_LENGTH: usize = 8;
/// npm's limit; anything longer imitates nothing.
const MAX_LENGTH: usize = 214;

/// The names worth imitating, with what they look like at a glance.
#[derive(Debug, Default)]
pub struct WellKnown {
    names: Vec<Glance>,
}

#[derive(Debug)]
struct Glance {
    ecosystem: Ecosystem,
    name: String,
    skeleton: Vec<char>,
}

impl WellKnown {
    pub fn new(names: &[(Ecosystem, String)]) -> Self {
        let glance = |(ecosystem, name): &(Ecosystem, String)| Glance {
            ecosystem: *ecosystem,
            name: name.clone(),
            skeleton: skeleton(name),
        };
        Self {
            names: names.iter().map(glance).collect(),
        }
    }

    /// The well-known name that this one could be mistaken for.
    pub fn imitated(&self, ecosystem: Ecosystem, name: &str) -> Option<&str> {
        if name.len() > MAX_LENGTH {
            return None;
        }
        let name = ecosystem.normalise(name);
        let mut peers = self
            .names
            .iter()
            .filter(|known| known.ecosystem == ecosystem);
        if peers.clone().any(|known| known.name == name) {
            return None;
        }
        let skeleton = skeleton(&name);
        if skeleton.len() + 1 < MIN_LENGTH {
            return None;
        }
        peers
            .find(|known| {
                known.skeleton.len() >= MIN_LENGTH && one_slip(&known.skeleton, &skeleton)
            })
            .map(|known| known.name.as_str())
    }
}

/// Separators dropped, look-alikes folded.
fn skeleton(name: &str) -> Vec<char> {
    let readable =
        clawdefender_sdk::canonical::canonical(name).map(|view| view.text.to_lowercase());
    let name = readable.as_deref().unwrap_or(name);
    name.chars()
        .filter(|c| !"-_./@~".contains(*c))
        .map(|c| match c {
            '0' => 'o',
            '1' | '!' => 'l',
            '3' => 'e',
            '5' => 's',
            c => c,
        })
        .collect()
}

/// Equal, or one insertion, deletion, replacement or swap of neighbours apart.
fn one_slip(a: &[char], b: &[char]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if long.len() - short.len() > 1 {
        return false;
    }
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let rest = |text: &[char], from: usize| text.get(from..).unwrap_or_default().to_vec();
    let (short_rest, long_rest) = (rest(short, same), rest(long, same));
    if short.len() < long.len() {
        return short_rest.as_slice() == long_rest.get(1..).unwrap_or_default();
    }
    match (short_rest.as_slice(), long_rest.as_slice()) {
        ([], []) => true,
        ([a, tail_a @ ..], [b, tail_b @ ..]) if tail_a == tail_b => a != b,
        ([a, b, tail_a @ ..], [c, d, tail_b @ ..]) => a == d && b == c && tail_a == tail_b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Ecosystem::{Npm, Pypi};

    fn known() -> WellKnown {
        WellKnown::new(&[
            (Npm, "@modelcontextprotocol/server-filesystem".into()),
            (Npm, "@modelcontextprotocol/server-github".into()),
            (Npm, "@modelcontextprotocol/server-gitlab".into()),
            (Npm, "mcp-remote".into()),
            (Pypi, "mcp-server-fetch".into()),
        ])
    }

    #[test]
    fn tricks_are_seen_and_neighbours_are_not() {
        for (ecosystem, name, original) in [
            (Npm, "mcp-rem0te", Some("mcp-remote")),
            (Npm, "mcpremote", Some("mcp-remote")),
            (Npm, "mcp-remotes", Some("mcp-remote")),
            (Npm, "mcp-reomte", Some("mcp-remote")),
            (Npm, "mcp-remot", Some("mcp-remote")),
            (
                Npm,
                "modelcontextprotocol-server-github",
                Some("@modelcontextprotocol/server-github"),
            ),
            (
                Npm,
                "@modelcontextprotocal/server-filesystem",
                Some("@modelcontextprotocol/server-filesystem"),
            ),
            (
                Npm,
                "@model-context-protocol/server-gitlab",
                Some("@modelcontextprotocol/server-gitlab"),
            ),
            (Pypi, "mcp-server-fetchh", Some("mcp-server-fetch")),
            (Npm, "mcp-remote", None),
            (Npm, "@modelcontextprotocol/server-gitlab", None),
            (Npm, "@acme/server-filesystem", None),
            (Npm, "mcp-remote-server", None),
            (Pypi, "mcp_server.fetch", None),
            (Pypi, "mcp-server-time", None),
            (Npm, "mcp", None),
        ] {
            assert_eq!(known().imitated(ecosystem, name), original, "{name}");
        }
    }
}
