//! What a path asks for.

/// A server, and what of it.
pub(super) struct Route<'p> {
    pub name: &'p str,
    /// The word in an address that an old stream was given.
    pub back: Option<&'p str>,
    pub document: Option<&'p str>,
}

/// Documents by which a client finds out where to log in. Source: RFC 9728, RFC 8414, OpenID
/// Connect Discovery; each stands before the path of what it describes.
const DOCUMENTS: [&str; 3] = [
    "oauth-protected-resource",
    "oauth-authorization-server",
    "openid-configuration",
];

impl<'p> Route<'p> {
    pub fn of(path: &'p str) -> Option<Self> {
        let (document, path) = match path.strip_prefix("/.well-known/") {
            Some(below) => {
                let document = below.split('/').next()?;
                let known = DOCUMENTS.contains(&document);
                (
                    known.then_some(Some(document))?,
                    below.get(document.len()..)?,
                )
            }
            None => (None, path),
        };
        let below = path.strip_prefix("/mcp/")?;
        let (name, back) = match below.split_once("/back/") {
            Some((name, word)) if document.is_none() => (name, Some(word)),
            _ => (below, None),
        };
        Some(Self {
            name,
            back,
            document,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_server_and_perhaps_a_document() {
        let parts = |path| Route::of(path).map(|r| (r.name, r.back, r.document));
        assert_eq!(parts("/mcp/a"), Some(("a", None, None)));
        assert_eq!(parts("/mcp/a/back/x"), Some(("a", Some("x"), None)));
        let document = "oauth-protected-resource";
        assert_eq!(
            parts("/.well-known/oauth-protected-resource/mcp/a"),
            Some(("a", None, Some(document)))
        );
        for none in [
            "/",
            "/mcp",
            "/.well-known/x/mcp/a",
            "/.well-known/openid-configuration",
            "/api/v1",
        ] {
            assert_eq!(parts(none), None, "{none}");
        }
        // No server has such a name.
        assert_eq!(parts("/mcp/a/b"), Some(("a/b", None, None)));
    }
}
