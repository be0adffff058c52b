//! Where addresses and URIs lead, those inside others included.

use super::super::AssetKind;
use super::super::address::{Address, address, host};
use super::super::international::older_form;
use super::super::place::{Written, looks_like_path, percent_decode};
use super::Finder;

impl Finder<'_> {
    /// A string that leads somewhere: an address, a file, or a place in a scheme of the server's own.
    pub(super) fn uri(&mut self, text: &str) {
        self.uri_within(text, 0);
    }

    fn uri_within(&mut self, text: &str, depth: usize) {
        let text = text.trim();
        // Source: RFC 3986, appendix C.
        let text = text.strip_prefix('<').map_or(text, |inner| {
            inner.strip_suffix('>').unwrap_or(inner).trim()
        });
        if looks_like_path(text) {
            // `//evil.example/x`: whoever puts a scheme before it goes there.
            if text.starts_with(['/', '\\'])
                && text
                    .get(1..)
                    .is_some_and(|rest| rest.starts_with(['/', '\\']))
            {
                let address = address(text);
                address
                    .into_iter()
                    .for_each(|address| self.address(address));
            }
            return self.path_written(text, Written::Uri);
        }
        let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
        let letter = |c: char| c.is_ascii_alphanumeric() || "+-._".contains(c);
        let own = !scheme.is_empty()
            && scheme.chars().all(letter)
            && !NETWORK_SCHEMES.contains(&scheme.to_ascii_lowercase().as_str());
        for address in address(text) {
            if !own || address.host.is_some() || address.url.len() > 11 {
                self.address(address);
            }
        }
        if !own || ["data", "javascript"].contains(&scheme) {
            return;
        }
        // `fs:///home/u/.ssh/id_rsa`, `repo://x/../../etc/shadow`: the server reads a path in it.
        if rest.contains('/') {
            let path = rest.trim_start_matches('/');
            self.path_written(&format!("/{path}"), Written::Uri);
            self.parts(rest);
        }
        // `view-source:file:///etc/shadow`, `URL:file:/etc/shadow`.
        if depth < MAX_WRAPPED && rest.contains(':') {
            self.uri_within(rest.trim_start_matches('/'), depth + 1);
        }
        if depth < MAX_WRAPPED
            && let Some(decoded) = percent_decode(rest)
        {
            self.uri_within(&format!("{scheme}:{decoded}"), depth + 1);
        }
        self.files(rest);
    }

    /// Paths that are a part of a URI: `php://filter/resource=/etc/shadow`.
    fn parts(&mut self, rest: &str) {
        for (count, part) in rest.split(PARTED).enumerate() {
            if count > MAX_PARTS {
                return self.too_many();
            }
            if part.len() < rest.len() && looks_like_path(part) && !part.starts_with("//") {
                self.path_written(part, Written::Uri);
            } else {
                self.hidden_path(part);
            }
        }
    }

    /// Every `file:` URI in `text`, and what of it stands before a part of another's:
    /// `jar:file:/etc/shadow!/x`.
    pub(super) fn files(&mut self, text: &str) {
        let lower = text.to_ascii_lowercase();
        let begins = |at: &usize| {
            let before = lower.get(..*at).unwrap_or("");
            !before.ends_with(|c: char| c.is_ascii_alphanumeric())
        };
        let all = lower
            .match_indices("file:")
            .map(|(at, _)| at)
            .filter(begins);
        for (count, at) in all.enumerate() {
            if count > MAX_FILES {
                return self.too_many();
            }
            let uri = text.get(at..).unwrap_or("");
            self.path_written(uri, Written::Uri);
            if let Some((file, _)) = uri.split_once(PARTED) {
                self.path_written(file, Written::Uri);
            }
        }
    }

    pub(super) fn address(&mut self, address: Address) {
        self.push(AssetKind::Url, address.url, Vec::new(), false);
        if let Some(name) = address.host {
            self.host(name);
        }
    }

    pub(super) fn host(&mut self, name: String) {
        let Some(name) = host(&name) else { return };
        let folded = clawdefender_sdk::canonical::canonical(&name).map(|c| c.text);
        // Who reads by the older standard is led to another host.
        if let Some(older) = older_form(&name) {
            self.push(AssetKind::Host, older, Vec::new(), false);
        }
        self.push(AssetKind::Host, name, folded.into_iter().collect(), false);
    }
}

const NETWORK_SCHEMES: &[&str] = &["http", "https", "ws", "wss", "ftp", "ftps", "mailto", "tel"];
/// What parts the paths of one URI.
const PARTED: [char; 9] = ['=', '&', '?', '#', '|', ',', ';', '!', '>'];
/// Schemes around a URI. Chosen: `view-source:jar:file:` and one more.
const MAX_WRAPPED: usize = 3;
/// Chosen: more than one URI has; past them the event touches `too-many`.
const MAX_FILES: usize = 4;
const MAX_PARTS: usize = 1024;
