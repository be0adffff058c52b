//! How a person names a package: `npm:NAME@VERSION`, or a package URL.
//!
//! Only taken apart here; which ecosystems there are and what a version means, the detector knows.
//! A package URL is read strictly: what another tool could read as another package is refused.

/// A package as `inspect` takes it: `ecosystem` and the name in its own words, version included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub ecosystem: String,
    pub name: String,
}

/// Longest name, in bytes. Chosen: npm's longest with room for a version.
const MAX_BYTES: usize = 512;

/// Reads what was typed.
///
/// # Errors
/// A sentence that says what is wrong; it repeats nothing of the input.
pub fn read(text: &str) -> Result<Named, &'static str> {
    if text.len() > MAX_BYTES {
        return Err("it is longer than 512 bytes");
    }
    if text.chars().any(|c| c.is_control() || !c.is_ascii()) {
        return Err("it has characters that no registry allows");
    }
    let (scheme, rest) = text
        .split_once(':')
        .ok_or("it has no ecosystem before a colon")?;
    if scheme.eq_ignore_ascii_case("pkg") {
        return purl(rest);
    }
    if scheme.is_empty() || rest.trim().is_empty() {
        return Err("its ecosystem or its name is empty");
    }
    Ok(Named {
        ecosystem: scheme.to_owned(),
        name: rest.to_owned(),
    })
}

/// Source: the package URL specification, "How to parse a purl string in its components".
fn purl(rest: &str) -> Result<Named, &'static str> {
    // Step 1 and 2: subpath and qualifiers, from the right.
    let rest = rest.split('#').next().unwrap_or_default();
    let (rest, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
    let qualifiers = read_qualifiers(qualifiers)?;
    // Step 3 and 4: scheme and type.
    let rest = rest.trim_matches('/');
    let (kind, rest) = rest
        .split_once('/')
        .ok_or("a package URL is pkg:TYPE/NAME@VERSION")?;
    let kind = kind.to_ascii_lowercase();
    // Step 5: the version, from the right. A scope's own `@` has a slash behind it.
    let (path, version) = match rest.rsplit_once('@') {
        Some((path, version)) if !version.contains('/') && !path.is_empty() => {
            (path, Some(decoded(version)?))
        }
        _ => (rest, None),
    };
    // Step 6 and 7: name and namespace.
    let mut parts: Vec<String> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        // Scopes are often written with their slash encoded.
        parts.extend(decoded(part)?.split('/').map(str::to_owned));
    }
    let last = parts.len().saturating_sub(1);
    for (at, part) in parts.iter().enumerate() {
        let scope = matches!(kind.as_str(), "npm" | "jsr") && at == 0 && last == 1;
        let body = part.strip_prefix('@').filter(|_| scope).unwrap_or(part);
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
        if body.is_empty() || matches!(body, "." | "..") || !body.chars().all(plain) {
            return Err("its name has a part that no registry allows");
        }
    }
    if parts.is_empty() {
        return Err("it has no name");
    }
    if version
        .as_deref()
        .is_some_and(|version| !is_version(version))
    {
        return Err("its version has characters that no registry allows");
    }
    named(&kind, &parts, version, &qualifiers)
}

/// The parts in the ecosystem's own words.
fn named(
    kind: &str,
    parts: &[String],
    version: Option<String>,
    qualifiers: &Qualifiers,
) -> Result<Named, &'static str> {
    let image = matches!(kind, "docker" | "oci");
    if !image && qualifiers.place.is_some() {
        return Err("it names another registry, and only the public ones are known");
    }
    let mut name = match (kind, parts) {
        ("maven", [group @ .., artifact]) if !group.is_empty() => {
            format!("{}:{artifact}", group.join("."))
        }
        ("maven", _) => return Err("a Maven package has a group and a name"),
        ("oci", _) => qualifiers.place.clone().unwrap_or_else(|| parts.join("/")),
        ("docker", _) => match &qualifiers.place {
            Some(registry) => format!("{registry}/{}", parts.join("/")),
            None => parts.join("/"),
        },
        _ => parts.join("/"),
    };
    match (version, image) {
        (Some(digest), true) if digest.contains(':') => name = format!("{name}@{digest}"),
        (Some(tag), true) => name = format!("{name}:{tag}"),
        (Some(version), false) => name = format!("{name}@{version}"),
        (None, true) => {
            if let Some(tag) = &qualifiers.tag {
                name = format!("{name}:{tag}");
            }
        }
        (None, false) => {}
    }
    Ok(Named {
        ecosystem: kind.to_owned(),
        name,
    })
}

/// What a package URL says beside the name, as far as it changes which package is meant.
#[derive(Default)]
struct Qualifiers {
    /// Another place than the public registry.
    place: Option<String>,
    tag: Option<String>,
}

fn read_qualifiers(text: &str) -> Result<Qualifiers, &'static str> {
    let mut read = Qualifiers::default();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair
            .split_once('=')
            .ok_or("its qualifiers are not written as NAME=VALUE")?;
        let value = decoded(value)?;
        let slot = match key.to_ascii_lowercase().as_str() {
            "repository_url" | "download_url" | "vcs_url" => &mut read.place,
            "tag" => &mut read.tag,
            _ => continue,
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
        let value = value.trim_start_matches("https://").trim_matches('/');
        if value.is_empty() || !value.chars().all(plain) {
            return Err("a qualifier has characters that are not allowed");
        }
        if slot.replace(value.to_owned()).is_some() {
            return Err("it has a qualifier twice");
        }
    }
    Ok(read)
}

/// One version, and never a range, an alias or an address.
fn is_version(version: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.+~!:".contains(c);
    !version.is_empty() && version.chars().all(plain) && !version.starts_with("npm:")
}

/// Percent-decoded, once. Source: RFC 3986, section 2.1.
fn decoded(text: &str) -> Result<String, &'static str> {
    const BAD: &str = "it has a percent sign that is followed by no byte";
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next().ok_or(BAD)?, rest.next().ok_or(BAD)?];
        let digits = digits.map(|digit| digit.to_ascii_uppercase());
        let decoded = data_encoding::HEXUPPER.decode(&digits).map_err(|_| BAD)?;
        bytes.extend(decoded);
    }
    String::from_utf8(bytes).map_err(|_| BAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let read = read(text).map(|named| format!("{} {}", named.ecosystem, named.name));
        assert_eq!(read.as_deref(), Ok(expected), "{text}");
    }

    #[track_caller]
    fn refused(text: &str) {
        assert!(read(text).is_err(), "{text}: {:?}", read(text));
    }

    #[test]
    fn both_forms_give_the_ecosystems_own_words() {
        check("npm:@scope/name@1.2.3", "npm @scope/name@1.2.3");
        check("pypi:requests==2.0", "pypi requests==2.0");
        check("pkg:npm/%40scope/name@1.2.3", "npm @scope/name@1.2.3");
        check("pkg:npm/@scope/name", "npm @scope/name");
        check("pkg:npm/@scope/name@1.2.3", "npm @scope/name@1.2.3");
        check("pkg:npm/%40scope%2Fname@1.2.3", "npm @scope/name@1.2.3");
        check("PKG://NPM/chalk@5.6.1?arch=x#src", "npm chalk@5.6.1");
        check("pkg:pypi/django@1.11.1%2Blocal", "pypi django@1.11.1+local");
        check("pkg:cargo/rand@0.8.0", "cargo rand@0.8.0");
        check(
            "pkg:golang/github.com/a/b@v1.0.0#pkg/x",
            "golang github.com/a/b@v1.0.0",
        );
        check("pkg:maven/org.a/b@1.0", "maven org.a:b@1.0");
        check("pkg:gem/rails@7.0.0", "gem rails@7.0.0");
    }

    #[test]
    fn images_have_a_place_a_tag_or_a_digest() {
        let digest = format!("sha256:{}", "a".repeat(64));
        check("pkg:docker/mcp/fetch@1.0", "docker mcp/fetch:1.0");
        check(
            &format!("pkg:docker/mcp/fetch@{}", digest.replace(':', "%3A")),
            &format!("docker mcp/fetch@{digest}"),
        );
        check(
            "pkg:docker/a/b@1?repository_url=gcr.io",
            "docker gcr.io/a/b:1",
        );
        check(
            "pkg:oci/b?repository_url=ghcr.io/a/b&tag=2",
            "oci ghcr.io/a/b:2",
        );
    }

    #[test]
    fn what_could_be_read_as_another_package_is_refused() {
        for text in [
            "",
            "npm",
            "npm:",
            ":x",
            "npm:a\u{1b}[2J",
            "npm:\u{430}bc",
            "pkg:npm",
            "pkg:npm/",
            "pkg:npm/@1.0.0",
            "pkg:npm/a@",
            "pkg:npm/a%00@1",
            "pkg:npm/a%zz",
            "pkg:npm/a%4",
            "pkg:npm/a%ff",
            "pkg:npm/a%2F..%2Fb@1",
            "pkg:npm/good%40npm%3Aevil@1.0.0",
            "pkg:npm/good@npm%3Aevil",
            "pkg:npm/a@%5E1.0.0",
            "pkg:npm/a@1.0.0%20||%202",
            "pkg:npm/a@git%2Bhttps://x",
            "pkg:pypi/good%3Bevil@1",
            "pkg:pypi/good%5Bx%5D@1",
            "pkg:npm/a@1?repository_url=https://evil.example",
            "pkg:npm/a@1?vcs_url=git%2Bx",
            "pkg:docker/a@1?repository_url=x&repository_url=y",
            "pkg:maven/a@1",
            "pkg:npm/@/a",
            "pkg:cargo/@a/b@1",
        ] {
            refused(text);
        }
        refused(&format!("npm:{}", "a".repeat(600)));
    }
}
