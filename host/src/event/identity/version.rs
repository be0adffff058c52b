//! When two spellings name one version of a package: `v1.0.0` and `1.0.0`, PyPI's `1.0` and `1.0.0`.

/// `ecosystem:name@version` with the version in its ecosystem's normal form.
pub fn normal(package: &str) -> String {
    let ecosystem = package.split(':').next().unwrap_or_default();
    match package
        .rsplit_once('@')
        .filter(|(name, _)| name.contains(':'))
    {
        Some((name, version)) if !name.ends_with(':') => {
            format!("{name}@{}", normal_version(ecosystem, version))
        }
        _ => package.to_owned(),
    }
}

/// A version in its ecosystem's normal form; unchanged where none is known.
pub fn normal_version(ecosystem: &str, version: &str) -> String {
    let plain = version.trim();
    match ecosystem {
        "pypi" => pypi(&plain.to_ascii_lowercase()).unwrap_or_else(|| plain.to_owned()),
        "npm" | "jsr" | "cargo" | "go" => {
            let bare = plain.trim_start_matches(['=', 'v']);
            let is_version = bare.starts_with(|c: char| c.is_ascii_digit());
            if is_version { bare } else { plain }.to_owned()
        }
        _ => plain.to_owned(),
    }
}

/// Source: PEP 440, "Normalization", and zeros at a release's end, which count for nothing.
fn pypi(version: &str) -> Option<String> {
    let (public, local) = match version.split_once('+') {
        Some((public, local)) => (public, local.replace(['-', '_'], ".")),
        None => (version, String::new()),
    };
    let public = public.strip_prefix('v').unwrap_or(public);
    let (epoch, public) = public.split_once('!').unwrap_or(("0", public));
    let end = public.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (release, rest) = public.split_at(end.unwrap_or(public.len()));
    let release = release.strip_suffix('.').unwrap_or(release);
    let numbers: Option<Vec<&str>> = release.split('.').map(number).collect();
    let mut numbers = numbers?;
    while numbers.len() > 1 && numbers.last() == Some(&"0") {
        numbers.pop();
    }
    let mut normal = format!("{}!{}", number(epoch)?, numbers.join("."));
    let mut rest = rest;
    while !rest.is_empty() {
        // A bare number behind a hyphen is that of a later edition.
        let hyphen = rest.starts_with('-');
        rest = rest.strip_prefix(['-', '_', '.']).unwrap_or(rest);
        let (word, after) = run(rest, |c| c.is_ascii_lowercase());
        let after = after
            .strip_prefix(['-', '_', '.'])
            .filter(|_| !word.is_empty())
            .unwrap_or(after);
        let (digits, after) = run(after, |c| c.is_ascii_digit());
        let word = match word {
            "a" | "alpha" => "a",
            "b" | "beta" => "b",
            "c" | "rc" | "pre" | "preview" => "rc",
            "post" | "rev" | "r" => "post",
            "" if hyphen && !digits.is_empty() => "post",
            "dev" => "dev",
            _ => return None,
        };
        let digits = if digits.is_empty() {
            "0"
        } else {
            number(digits)?
        };
        normal = format!("{normal}{word}{digits}");
        rest = after;
    }
    Some(format!("{normal}+{local}"))
}

/// Digits without zeros before them.
fn number(digits: &str) -> Option<&str> {
    let all = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let short = digits.trim_start_matches('0');
    all.then_some(if short.is_empty() { "0" } else { short })
}

fn run(text: &str, is: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !is(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn one_version_is_one_however_it_is_written() {
        for same in [
            &["npm:@a/x@1.0.0", "npm:@a/x@v1.0.0", "npm:@a/x@=1.0.0"][..],
            &[
                "pypi:x@1",
                "pypi:x@1.0",
                "pypi:x@v1.0.0",
                "pypi:x@01.00",
                "pypi:x@0!1",
            ],
            &[
                "pypi:x@1.0rc1",
                "pypi:x@1.0.0-RC.1",
                "pypi:x@1.0c1",
                "pypi:x@1.0_preview_1",
            ],
            &["pypi:x@1.0a", "pypi:x@1.0-alpha0"],
            &["pypi:x@1.0-2", "pypi:x@1.0.post2", "pypi:x@1.0rev2"],
            &["pypi:x@1.0a1.post2.dev3", "pypi:x@1a1post2dev03"],
            &["pypi:x@1+ubuntu-1", "pypi:x@1.0+ubuntu.1"],
        ] {
            for other in same {
                assert_eq!(normal(other), normal(same[0]), "{other}");
            }
        }
    }

    #[test]
    fn other_versions_are_others() {
        for (one, other) in [
            ("npm:x@1.0.0", "npm:x@1.0"),
            ("npm:x@1.0.0", "npm:x@1.0.0-a"),
            ("npm:x@v", "npm:x@"),
            ("pypi:x@1.0", "pypi:x@1.0.1"),
            ("pypi:x@1.1", "pypi:x@1-1"),
            ("pypi:x@1.10", "pypi:x@1.1"),
            ("pypi:x@1.0", "pypi:x@1!1.0"),
            ("pypi:x@1.0a1", "pypi:x@1.0b1"),
            ("pypi:x@1.0", "pypi:x@1.0+local"),
            ("pypi:x@1.0.dev1", "pypi:x@1.0"),
            ("pypi:x@odd", "pypi:x@odder"),
            ("pypi:x@1..0", "pypi:x@1.0"),
            ("oci:x@sha256:a", "oci:x@sha256:b"),
            ("maven:x@1.0", "maven:x@1"),
            ("npm:@a/x", "npm:@a/y"),
        ] {
            assert_ne!(normal(one), normal(other), "{one} {other}");
        }
    }
}
