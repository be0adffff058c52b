//! What `.yarnrc.yml` sets, and `.yarnrc`, which version 1 of yarn reads.
//!
//! Of YAML only what people write there is read: a plain key at the beginning of a line, and what is
//! indented below it. Any other notation could say the same in a hundred ways: such a file can't be
//! read.

/// The settings that choose where packages come from, or bring code, as variables.
pub(super) fn yarnrc(text: &str) -> Option<Vec<(String, String)>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut told = Vec::new();
    let mut within = None;
    for line in text.split(['\n', '\r']) {
        let inner = line.trim_start_matches(' ');
        if inner.trim().is_empty() || inner.starts_with('#') || line == "---" {
            continue;
        }
        // An item of a list may stand where its key does.
        let item = line.starts_with("- ") && within.is_some();
        if inner.len() < line.len() || item {
            // A file that is indented as a whole has its own keys there.
            if within.as_deref()? == "npmscopes" {
                told.extend(of_scope(inner)?);
            }
            continue;
        }
        let (key, value) = pair(line).filter(|(key, _)| is_plain(key))?;
        let key = key.to_lowercase();
        let name = match key.as_str() {
            "npmregistryserver" => Some("YARN_NPM_REGISTRY_SERVER"),
            "enablestrictssl" | "httpscafilepath" | "cafilepath" => Some("YARN_ENABLE_STRICT_SSL"),
            "yarnpath" | "plugins" => Some("YARN_YARN_PATH"),
            "npmscopes" if !value.is_empty() => return None,
            _ => None,
        };
        // A value that stands in the next line is somebody's, whatever it is.
        let value = if value.is_empty() {
            "unreadable"
        } else {
            value
        };
        told.extend(name.map(|name| (name.to_owned(), value.to_owned())));
        within = Some(key);
    }
    Some(told)
}

/// The same of `.yarnrc`: lines of `key "value"`, or of options for a command,
/// `--install.registry "value"`. What yarn can't read so it tries as YAML.
pub(super) fn classic(text: &str) -> Option<Vec<(String, String)>> {
    let mut told = Vec::new();
    for line in text.split(['\n', '\r']) {
        let line = line.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = match line.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => line.split_once([' ', '\t', ':']).unwrap_or((line, "")),
        };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@:/*".contains(&byte);
        let value = value.trim_start_matches([' ', '\t', ':']);
        // More than one in a line.
        let more = match value.strip_prefix('"') {
            Some(quoted) => quoted.find('"') != Some(quoted.len().saturating_sub(1)),
            None => value.contains([' ', '\t', '"', ',']),
        };
        if more || !key.bytes().all(fits) {
            return None;
        }
        let key = key.to_lowercase();
        let name = match key.rsplit(['.', ':']).next().unwrap_or(&key) {
            "registry" | "--registry" => "YARN_REGISTRY",
            "strict-ssl" | "cafile" | "ca" => "YARN_ENABLE_STRICT_SSL",
            "yarn-path" | "script-shell" => "YARN_YARN_PATH",
            _ => continue,
        };
        let value = value.trim_matches('"');
        let value = if value.is_empty() {
            "unreadable"
        } else {
            value
        };
        told.push((name.to_owned(), value.to_owned()));
    }
    Some(told)
}

/// A line below `npmScopes`.
fn of_scope(line: &str) -> Option<Option<(String, String)>> {
    let (key, value) = pair(line)?;
    let key = key.trim_matches(['"', '\'']);
    // A value of several lines, an anchor or a table in one line may hold keys.
    let odd = value.starts_with(['{', '[', '&', '*', '!', '|', '>', '?']);
    if odd || !is_plain(key.trim_start_matches('@')) {
        return None;
    }
    let registry = key.eq_ignore_ascii_case("npmregistryserver");
    let value = if value.is_empty() {
        "unreadable"
    } else {
        value
    };
    Some(registry.then(|| ("YARN_NPM_REGISTRY_SERVER".to_owned(), value.to_owned())))
}

/// `key: value`, without quotes around the value and a comment behind it.
fn pair(line: &str) -> Option<(&str, &str)> {
    let (key, value) = match line.split_once(": ").or_else(|| line.split_once(":\t")) {
        Some(pair) => pair,
        None => (line.trim_end().strip_suffix(':')?, ""),
    };
    let value = value.split_once(" #").map_or(value, |(value, _)| value);
    let value = Some(value).filter(|value| !value.starts_with('#'));
    let value = value.unwrap_or_default().trim();
    Some((key.trim_end(), value.trim_matches(['"', '\''])))
}

fn is_plain(key: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !key.is_empty() && !key.starts_with('-') && key.bytes().all(fits)
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
        yarnrc(text).map(lines)
    }

    #[test]
    fn what_chooses_a_registry_or_brings_code_is_told() {
        for (text, expected) in [
            ("npmRegistryServer: \"r\"", "YARN_NPM_REGISTRY_SERVER=r"),
            (
                "\u{feff}---\nnpmRegistryServer : r # x",
                "YARN_NPM_REGISTRY_SERVER=r",
            ),
            ("# x\rnpmRegistryServer: r", "YARN_NPM_REGISTRY_SERVER=r"),
            (
                "npmRegistryServer:\n  r",
                "YARN_NPM_REGISTRY_SERVER=unreadable",
            ),
            (
                "npmScopes:\n  a:\n    npmRegistryServer: 'r'",
                "YARN_NPM_REGISTRY_SERVER=r",
            ),
            (
                "npmScopes:\n  'a':\n    \"npmRegistryServer\": r",
                "YARN_NPM_REGISTRY_SERVER=r",
            ),
            ("enableStrictSsl: false", "YARN_ENABLE_STRICT_SSL=false"),
            (
                "httpsCaFilePath: ./ca.pem",
                "YARN_ENABLE_STRICT_SSL=./ca.pem",
            ),
            ("yarnPath: ./evil.js", "YARN_YARN_PATH=./evil.js"),
            ("plugins: [./evil.js]", "YARN_YARN_PATH=[./evil.js]"),
            ("plugins:\n- ./evil.js", "YARN_YARN_PATH=unreadable"),
        ] {
            assert_eq!(told(text), Some(vec![expected.to_owned()]), "{text:?}");
        }
    }

    #[test]
    fn other_notations_can_t_be_read() {
        for text in [
            "\"npmRegistryServer\": r",
            "{npmRegistryServer: r}",
            "  npmRegistryServer: r",
            "? npmRegistryServer\n: r",
            "&a npmRegistryServer: r",
            "npmRegistryServer \"r\"",
            "\tnpmRegistryServer: r",
            "npmScopes: {a: {npmRegistryServer: r}}",
            "npmScopes:\n  a: {npmRegistryServer: r}",
            "npmScopes:\n  a:\n    \"npmRegistry\\u0053erver\": r",
            "- x",
        ] {
            assert_eq!(told(text), None, "{text:?}");
        }
    }

    #[test]
    fn yarn_s_first_version_has_a_notation_of_its_own() {
        for (text, expected) in [
            ("registry \"r\"", Some("YARN_REGISTRY=r")),
            ("\"registry\" \"r\"", Some("YARN_REGISTRY=r")),
            ("# x\rregistry: r", Some("YARN_REGISTRY=r")),
            ("\"@a:registry\" r", Some("YARN_REGISTRY=r")),
            ("--install.registry \"r\"", Some("YARN_REGISTRY=r")),
            ("yarn-path \"./x.js\"", Some("YARN_YARN_PATH=./x.js")),
            ("strict-ssl false", Some("YARN_ENABLE_STRICT_SSL=false")),
            ("\"r\\u0065gistry\" r", None),
            ("{registry: r}", None),
            ("x \"y\" registry \"r\"", None),
            ("x y registry r", None),
            ("x, registry r", None),
            ("x \"\\\"\" registry r", None),
        ] {
            let told = classic(text).map(|told| {
                let lines = told.iter().map(|(key, value)| format!("{key}={value}"));
                lines.collect::<Vec<_>>().join("\n")
            });
            assert_eq!(told.as_deref(), expected, "{text:?}");
        }
        let ordinary = "# x\n\nlastUpdateCheck 1512\nsave-prefix \"~\"\ninit-author-name \"A B\"\n--install.ignore-engines true\n";
        assert_eq!(classic(ordinary), Some(Vec::new()));
    }

    #[test]
    fn an_ordinary_file_says_nothing() {
        let text = "nodeLinker: node-modules\r\n\r\n# why\ncompressionLevel: mixed\n\
            enableGlobalCache: false\nenableStrictSsl: true\npackageExtensions:\n  \"foo@*\":\n\
            \x20   dependencies: {bar: \"*\"}\nnpmScopes:\n  acme:\n    npmAlwaysAuth: true\n\
            \x20   npmAuthToken: \"${TOKEN-}\"\nlogFilters:\n- code: YN0002\n  level: discard\n\
            supportedArchitectures:\n  os: [linux]\n";
        assert_eq!(told(text).unwrap(), ["YARN_ENABLE_STRICT_SSL=true"]);
        assert_eq!(told("").unwrap(), Vec::<String>::new());
    }
}
