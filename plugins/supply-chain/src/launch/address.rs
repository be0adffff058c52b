//! Addresses of files that are packages of a public registry.

use super::spec::{Target, plain_spec, registry};
use crate::effort;
use crate::package::Ecosystem;

/// A file that a public registry serves is a package of it: `…/@s/p/-/p-1.0.0.tgz`,
/// `…/p-1.0.0-py3-none-any.whl`.
pub fn archive(text: &str) -> Option<Target> {
    let (host, path) = normal(text)?;
    match host.as_str() {
        "registry.npmjs.org" | "registry.yarnpkg.com" => {
            let (name, file) = path.split_once("/-/")?;
            let short = name.rsplit('/').next()?;
            let version = file
                .strip_suffix(".tgz")?
                .strip_prefix(short)?
                .strip_prefix('-')?;
            Some(registry(
                Ecosystem::Npm,
                name,
                plain_spec(Ecosystem::Npm, version),
            ))
        }
        "files.pythonhosted.org" | "pypi.python.org" => {
            let file = path.rsplit('/').next()?;
            let (name, version) = match file.strip_suffix(".whl") {
                Some(wheel) => {
                    let mut parts = wheel.split('-');
                    (parts.next()?, parts.next()?)
                }
                None => file
                    .strip_suffix(".tar.gz")
                    .or_else(|| file.strip_suffix(".zip"))?
                    .rsplit_once('-')?,
            };
            Some(registry(
                Ecosystem::Pypi,
                name,
                plain_spec(Ecosystem::Pypi, version),
            ))
        }
        _ => None,
    }
}

/// The host and the path of an address as a client asks for them, however they are written: in other
/// letters, with a user or the usual port, with escapes, with folders that lead nowhere.
///
/// Source: WHATWG URL, 4.4.
fn normal(text: &str) -> Option<(String, String)> {
    let (scheme, rest) = text.split_once(':')?;
    let web = ["http", "https"];
    if !web.iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return None;
    }
    effort::spend(text.len());
    let rest = rest.split(['#', '?']).next()?.replace('\\', "/");
    let (host, path) = rest.trim_start_matches('/').split_once('/')?;
    let host = host.rsplit('@').next()?;
    let host = host.trim_end_matches(":443").trim_end_matches(":80");
    let host = decoded(host).trim_end_matches('.').to_ascii_lowercase();
    let mut folders: Vec<&str> = Vec::new();
    let path = decoded(path);
    for folder in path.split('/') {
        match folder {
            "" | "." => {}
            ".." => drop(folders.pop()),
            folder => folders.push(folder),
        }
    }
    Some((host, folders.join("/")))
}

/// Text with its `%2f` read.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let code = part.get(..2).filter(|code| !code.starts_with('+'));
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend(part.get(2..).unwrap_or_default().bytes());
            }
            None => {
                bytes.push(b'%');
                bytes.extend(part.bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Target, archive};

    fn name(text: &str) -> Option<String> {
        match archive(text)? {
            Target::Registry { name, .. } => Some(name),
            Target::Elsewhere(_) => None,
        }
    }

    #[test]
    fn an_address_is_the_same_package_however_it_is_written() {
        for address in [
            "https://registry.npmjs.org/evil/-/evil-1.0.0.tgz",
            "HTTPS://REGISTRY.npmjs.org/evil/-/evil-1.0.0.tgz",
            "https://registry.npmjs.org./evil/-/evil-1.0.0.tgz",
            "https://user:pw@registry.npmjs.org/evil/-/evil-1.0.0.tgz",
            "http://registry.npmjs.org:80/evil/-/evil-1.0.0.tgz",
            "https://registry.npmjs.org:443/evil/-/evil-1.0.0.tgz?x#y",
            "https://registry.npmjs.org//evil/-/evil-1.0.0.tgz",
            "https://registry.npmjs.org/x/../evil/./-/evil-1.0.0.tgz",
            "https://registry.npmjs.org/%65vil/-/ev%69l-1.0.0.tgz",
            "https:\\\\registry.npmjs.org\\evil/-/evil-1.0.0.tgz",
            "https://files.pythonhosted.org./packages/a/x/../evil-1.0.0.tar.gz",
        ] {
            assert_eq!(name(address).as_deref(), Some("evil"), "{address}");
        }
        let scoped = "https://registry.npmjs.org/@s%2fevil/-/evil-1.0.0.tgz";
        assert_eq!(name(scoped).as_deref(), Some("@s/evil"));
    }

    #[test]
    fn other_hosts_and_ports_are_no_registry() {
        for address in [
            "https://registry.npmjs.org.evil.example/evil/-/evil-1.0.0.tgz",
            "https://registry.npmjs.org@evil.example/evil/-/evil-1.0.0.tgz",
            "https://registry.npmjs.org:8443/evil/-/evil-1.0.0.tgz",
            "ftp://registry.npmjs.org/evil/-/evil-1.0.0.tgz",
            "https://registry.npmjs.org/evil",
        ] {
            assert_eq!(name(address), None, "{address}");
        }
    }
}
