//! Which image a container starts from, as far as the store of the engine says so here.
//!
//! Stores are read, never asked: Docker's own is root's on most machines, and an engine that keeps
//! its images elsewhere (containerd, another machine) has none. Then the digest is unknown, which is
//! said.

use super::disk::text;
use super::{Identity, Launch, package};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The image of `named`, which is `registry/name` or `registry/name@digest`.
pub(super) fn of_image(
    launch: &Launch,
    engine: &str,
    named: &str,
    words: &[String],
    home: &Path,
) -> Identity {
    let wanted = Reference::read(named);
    let named = named.split('@').next().unwrap_or(named);
    let asked = words
        .iter()
        .map(|word| Reference::read(word))
        .find(|asked| asked.name == wanted.name);
    let Some(asked) = asked else {
        return Identity::unknown("which image is meant can't be told from the words");
    };
    let set = |name: &str| {
        let mut variables = launch.env.iter();
        variables.any(|(known, value)| known == name && !value.is_empty())
    };
    if ["DOCKER_HOST", "DOCKER_CONTEXT", "CONTAINER_HOST"]
        .iter()
        .any(|name| set(name))
    {
        return Identity::unknown("the image's digest is unknown: another engine was chosen");
    }
    let found = match engine {
        "docker" => docker(&asked, home),
        "podman" => podman(&asked, launch, home),
        _ => None,
    };
    let Some(found) = found else {
        return Identity::unknown(
            "the image's digest is unknown: no store that has it is readable",
        );
    };
    let digest = asked.digest.map(str::to_owned).or(found.digest);
    Identity {
        package: digest.and_then(|digest| package("oci", named, &digest)),
        sha256: found.id.filter(|id| is_sha256(id)),
        may_renew: words.iter().any(|word| word.starts_with("--pull")),
        ..Identity::default()
    }
}

/// What a store says of an image.
struct Found {
    /// SHA-256 of the image's configuration: it changes with everything in it.
    id: Option<String>,
    /// What the registry calls it.
    digest: Option<String>,
}

/// An image as written, its name without what Docker adds to it.
struct Reference<'w> {
    name: &'w str,
    tag: &'w str,
    digest: Option<&'w str>,
}

impl<'w> Reference<'w> {
    fn read(word: &'w str) -> Self {
        let word = word.strip_prefix("docker://").unwrap_or(word);
        let (rest, digest) = match word.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (word, None),
        };
        let last = rest.rfind('/').map_or(0, |at| at + 1);
        let colon = rest
            .get(last..)
            .and_then(|end| end.find(':'))
            .map(|at| last + at);
        let (name, tag) = match colon.and_then(|at| rest.split_at_checked(at)) {
            Some((name, tag)) => (name, tag.trim_start_matches(':')),
            None => (rest, "latest"),
        };
        Self {
            name: familiar(name),
            tag,
            digest,
        }
    }

    fn is(&self, other: &str) -> bool {
        let other = Reference::read(other);
        let same = match self.digest {
            Some(_) => self.digest == other.digest,
            None => other.digest.is_none() && self.tag == other.tag,
        };
        self.name == other.name && same
    }
}

/// Source: the distribution project's "familiar" names.
fn familiar(name: &str) -> &str {
    let at_hub = ["index.docker.io/", "docker.io/"]
        .iter()
        .find_map(|hub| name.strip_prefix(hub));
    at_hub.map_or(name, |name| name.strip_prefix("library/").unwrap_or(name))
}

/// Docker's `repositories.json`: for each name, its references and the image that each stands for.
fn docker(asked: &Reference<'_>, home: &Path) -> Option<Found> {
    let roots = [
        home.join(".local/share/docker"),
        PathBuf::from("/var/lib/docker"),
    ];
    roots.iter().find_map(|root| {
        let file = text(&root.join("image/overlay2/repositories.json"))?;
        let store: Value = serde_json::from_str(&file).ok()?;
        let repositories = store.get("Repositories")?.as_object()?;
        let references = || {
            let all = repositories.values().filter_map(Value::as_object).flatten();
            all.filter_map(|(name, id)| Some((name.as_str(), id.as_str()?)))
        };
        let (_, id) = references().find(|(name, _)| asked.is(name))?;
        let digest = references()
            .filter(|(_, other)| *other == id)
            .map(|(name, _)| Reference::read(name))
            .find(|other| other.name == asked.name && other.digest.is_some());
        Some(Found {
            id: id.strip_prefix("sha256:").map(str::to_owned),
            digest: digest.and_then(|other| other.digest).map(str::to_owned),
        })
    })
}

/// Podman's `images.json`: a list of images, each with its names.
fn podman(asked: &Reference<'_>, launch: &Launch, home: &Path) -> Option<Found> {
    let data = launch.env.iter().find(|(name, _)| name == "XDG_DATA_HOME");
    let data = data.map_or_else(|| home.join(".local/share"), |(_, path)| path.into());
    let roots = [
        data.join("containers"),
        PathBuf::from("/var/lib/containers"),
    ];
    roots.iter().find_map(|root| {
        let file = text(&root.join("storage/overlay-images/images.json"))?;
        let store: Value = serde_json::from_str(&file).ok()?;
        let image = store.as_array()?.iter().find(|image| {
            let digest = image.get("digest").and_then(Value::as_str);
            let names = image.get("names").and_then(Value::as_array);
            let mut names = names.into_iter().flatten().filter_map(Value::as_str);
            // Podman keeps the names with their tags, and the digest apart.
            match asked.digest {
                Some(_) => {
                    asked.digest == digest
                        && names.any(|name| Reference::read(name).name == asked.name)
                }
                None => names.any(|name| asked.is(name)),
            }
        })?;
        let part = |key: &str| image.get(key)?.as_str().map(str::to_owned);
        Some(Found {
            id: part("id"),
            digest: part("digest"),
        })
    })
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::super::tests::launch;
    use super::*;
    use std::fs;

    const ID: &str = "1111111111111111111111111111111111111111111111111111111111111111";
    const DIGEST: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

    fn home() -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        let write = |path: &str, text: String| {
            let path = home.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            ".local/share/docker/image/overlay2/repositories.json",
            format!(
                r#"{{"Repositories":{{
                    "mcp/fetch":{{"mcp/fetch:latest":"sha256:{ID}","mcp/fetch@{DIGEST}":"sha256:{ID}"}},
                    "built":{{"built:1":"sha256:{ID}"}},
                    "ghcr.io/x/y":{{"ghcr.io/x/y:1":"none"}}}}}}"#
            ),
        );
        write(
            ".local/share/containers/storage/overlay-images/images.json",
            format!(
                r#"[{{"id":"{ID}","digest":"{DIGEST}","names":["docker.io/mcp/fetch:1.0"]}},{{"names":null}}]"#
            ),
        );
        home
    }

    fn check(engine: &str, line: &str, named: &str, package: Option<&str>, id: Option<&str>) {
        let home = home();
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let said = of_image(
            &launch(&[], &[], home.path()),
            engine,
            named,
            &words,
            home.path(),
        );
        assert_eq!(said.package.as_deref(), package, "{line}: {said:?}");
        assert_eq!(said.sha256.as_deref(), id, "{line}: {said:?}");
        assert_eq!(
            said.unknown.is_some(),
            package.is_none() && id.is_none(),
            "{line}: {said:?}"
        );
    }

    #[test]
    fn a_tag_stands_for_the_image_that_is_there() {
        let image = format!("oci:docker.io/mcp/fetch@{DIGEST}");
        let named = "docker.io/mcp/fetch";
        let package = Some(image.as_str());
        check(
            "docker",
            "run -i --rm mcp/fetch x",
            named,
            package,
            Some(ID),
        );
        check(
            "docker",
            "run docker.io/mcp/fetch:latest",
            named,
            package,
            Some(ID),
        );
        check(
            "docker",
            &format!("run mcp/fetch@{DIGEST}"),
            &format!("{named}@{DIGEST}"),
            package,
            Some(ID),
        );
        check("podman", "run mcp/fetch:1.0", named, package, Some(ID));
        check(
            "podman",
            &format!("run mcp/fetch@{DIGEST}"),
            &format!("{named}@{DIGEST}"),
            package,
            Some(ID),
        );
        // Built here: no registry has it.
        check(
            "docker",
            "run built:1",
            "docker.io/library/built",
            None,
            Some(ID),
        );
    }

    #[test]
    fn an_image_that_no_store_has_is_said_to_be_unknown() {
        let named = "docker.io/mcp/fetch";
        for (engine, line) in [
            ("docker", "run mcp/fetch:1.0"),
            ("docker", "run mcp/fetch@sha256:33"),
            ("podman", "run mcp/fetch"),
            ("podman", "run mcp/fetch@sha256:33"),
            ("nerdctl", "run mcp/fetch"),
            ("docker", "compose up"),
        ] {
            check(engine, line, named, None, None);
        }
        let home = home();
        let elsewhere = launch(&[], &[("DOCKER_HOST", "ssh://x")], home.path());
        let words = ["run".to_owned(), "mcp/fetch".to_owned()];
        let said = of_image(&elsewhere, "docker", named, &words, home.path());
        assert!(said.unknown.unwrap().contains("another engine"));
    }

    #[test]
    fn a_newer_image_may_be_pulled_where_that_is_asked_for() {
        let home = home();
        let here = launch(&[], &[], home.path());
        let words = ["run", "--pull=always", "mcp/fetch"].map(str::to_owned);
        let said = of_image(&here, "docker", "docker.io/mcp/fetch", &words, home.path());
        assert!(said.may_renew && said.package.is_some());
    }
}
