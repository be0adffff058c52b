//! What an `.npmrc` sets, read as npm reads it.
//!
//! Source: the package `ini` and @npmcli/config, as of npm 11.19. Where npm would put a variable into
//! a key, or make a key out of something else than a text, nothing is guessed: such a file can't be
//! read.

/// The settings of a file that choose where packages come from, or bring code, as variables. The
/// last of two that say the same wins for npm; all are told. `None` when one can't be read.
pub(super) fn npmrc(text: &str) -> Option<Vec<(String, String)>> {
    let mut told = Vec::new();
    for (key, value) in pairs(text)? {
        let key = key.to_lowercase();
        match key.as_str() {
            // Whoever is believed on top of the public authorities can be in between.
            "ca" | "cafile" => told.push((variable("strict-ssl"), key.clone())),
            key if is_told(key) => told.push((variable(key), value.clone())),
            _ => {}
        }
        // What is no registry's runs from this folder.
        if key == "package" && !is_registry_s(&value) {
            told.push((variable("script-shell"), value));
        }
    }
    Some(told)
}

/// Where a file has npm's cache, if it says so.
pub(super) fn cache(text: &str) -> Option<String> {
    let mut pairs = pairs(text)?.into_iter().rev();
    pairs.find_map(|(key, value)| (key == "cache").then_some(value))
}

fn variable(key: &str) -> String {
    match key.starts_with('@') {
        true => format!("npm_config_{key}"),
        false => format!("npm_config_{}", key.replace('-', "_")),
    }
}

/// A proxy is not among these: what comes through one is still signed by the registry's certificate.
fn is_told(key: &str) -> bool {
    const KEYS: [&str; 10] = [
        "registry",
        "userconfig",
        "globalconfig",
        "package",
        "cache",
        "strict-ssl",
        "node-options",
        "script-shell",
        "call",
        "git",
    ];
    KEYS.contains(&key) || key.ends_with(":registry")
}

/// Whether a package is named as a registry knows it, `name@version`, and not by a place.
fn is_registry_s(package: &str) -> bool {
    let name = package.strip_prefix('@').map(|rest| rest.split_once('/'));
    let rest = match name {
        Some(Some((_, rest))) => rest,
        Some(None) => return false,
        None => package,
    };
    !rest.is_empty() && !rest.starts_with(['.', '~']) && !rest.contains(['/', ':', '\\', '$'])
}

/// Keys and values before the first section, as written.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    for line in text.split(['\r', '\n']) {
        let plain = trim(line);
        if plain.is_empty() || plain.starts_with([';', '#']) {
            continue;
        }
        if let Some(section) = section(line) {
            // Its keys would be those of a setting that is there already.
            return Some(pairs).filter(|_| !is_told(section));
        }
        let Some((key, value)) = line.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            continue;
        };
        let key = unquoted(key)?;
        // Credentials of one registry, whatever it is called.
        if key.starts_with("//") {
            continue;
        }
        if key.contains("${") {
            return None;
        }
        let key = key.strip_suffix("[]").unwrap_or(&key).to_owned();
        let value = unquoted(value).unwrap_or_else(|| value.to_owned());
        pairs.push((key, value));
    }
    Some(pairs)
}

fn section(line: &str) -> Option<&str> {
    let name = line
        .strip_prefix('[')?
        .trim_end_matches(is_space)
        .strip_suffix(']')?;
    (!name.contains(']')).then(|| trim(name))
}

/// A key or value without quotes, escapes and what stands behind it as a comment; `None` when it is
/// a list or a table in quotes.
fn unquoted(raw: &str) -> Option<String> {
    let raw = trim(raw);
    let is_in = |quote: char| raw.starts_with(quote) && raw.ends_with(quote);
    if is_in('"') || is_in('\'') {
        let inner = match raw.starts_with('\'') {
            true => raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default(),
            false => raw,
        };
        return match serde_json::from_str(inner) {
            Ok(serde_json::Value::String(text)) => Some(text),
            _ if trim(inner).starts_with(['[', '{']) => None,
            _ => Some(inner.to_owned()),
        };
    }
    let mut plain = String::new();
    let mut chars = raw.chars();
    while let Some(char) = chars.next() {
        match char {
            ';' | '#' => break,
            '\\' => match chars.next() {
                Some(escaped @ ('\\' | ';' | '#')) => plain.push(escaped),
                other => {
                    plain.push('\\');
                    plain.extend(other);
                }
            },
            char => plain.push(char),
        }
    }
    Some(trim(&plain).to_owned())
}

fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// What JavaScript calls white space: a byte order mark is of it, and U+0085 is not.
fn is_space(char: char) -> bool {
    (char.is_whitespace() && char != '\u{85}') || char == '\u{feff}'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<Vec<String>> {
        let lines = |told: Vec<(String, String)>| {
            let lines = told
                .into_iter()
                .map(|(key, value)| format!("{key}={value}"));
            lines.collect()
        };
        npmrc(text).map(lines)
    }

    #[test]
    fn a_registry_is_found_in_every_spelling_that_npm_reads() {
        for text in [
            "registry=r",
            "\u{feff}registry=r",
            "\"registry\"=r",
            "'registry'=r",
            "'\"registry\"'=r",
            "\"\\u0072egistry\"=r",
            "registry;x=r",
            "registry[]=r",
            "; c\rregistry=r",
            "[a]b=c\nregistry=r",
            " [a]\nregistry=r",
            "x\r\n\tregistry = \"r\" \r\n",
            "registry=r ; theirs",
            "registry=r\n[x]\nregistry=s",
        ] {
            let expected = vec!["npm_config_registry=r".to_owned()];
            assert_eq!(told(text), Some(expected), "{text:?}");
        }
        // npm takes the last.
        let both = ["npm_config_registry=a", "npm_config_registry=b"];
        assert_eq!(told("registry=a\nregistry=b").unwrap(), both);
    }

    #[test]
    fn what_npm_would_make_a_key_of_is_not_guessed() {
        let deep = format!("'{}\"registry\"{}'=r", "[".repeat(200), "]".repeat(200));
        for text in [
            "reg${NOPE?}istry=r",
            "'[\"registry\"]'=r",
            &deep,
            "package[]=a\n[package]\n0=b",
        ] {
            assert_eq!(told(text), None, "{text}");
        }
    }

    #[test]
    fn what_brings_code_or_believes_others_is_told() {
        for (text, expected) in [
            ("package=x@1.0.0", &["npm_config_package=x@1.0.0"][..]),
            ("package=@a/x@1.0.0", &["npm_config_package=@a/x@1.0.0"]),
            (
                "package=file:./x",
                &[
                    "npm_config_package=file:./x",
                    "npm_config_script_shell=file:./x",
                ],
            ),
            (
                "package[]=../x",
                &["npm_config_package=../x", "npm_config_script_shell=../x"],
            ),
            ("cache=./c", &["npm_config_cache=./c"]),
            ("strict-ssl=false", &["npm_config_strict_ssl=false"]),
            ("cafile=./ca.pem", &["npm_config_strict_ssl=cafile"]),
            ("ca[]=x", &["npm_config_strict_ssl=ca"]),
            ("userconfig=./u", &["npm_config_userconfig=./u"]),
            ("@A:registry=r", &["npm_config_@a:registry=r"]),
        ] {
            assert_eq!(told(text).unwrap(), expected, "{text}");
        }
        assert_eq!(cache("cache=a\n\"cache\" = \"b\"").as_deref(), Some("b"));
    }

    #[test]
    fn an_ordinary_file_says_nothing() {
        let text = "# ours\n; theirs\n\nfund=false\naudit = false\nengine-strict=true\nsave-exact\n\
            //registry.npmjs.org/:_authToken=${NPM_TOKEN}\n//${HOST}/:_password=\"s3cret\"\n\
            proxy=http://p.example:3128\nhttps-proxy=http://p.example:3128\nnoproxy=.example\n\
            legacy-peer-deps=true\npublic-hoist-pattern[]=*eslint*\n=x\ninit-author-name=A = B\n";
        assert_eq!(told(text).unwrap(), Vec::<String>::new());
    }
}
