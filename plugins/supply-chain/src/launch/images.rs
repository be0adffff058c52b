//! Images, and what runs inside them: Docker, Podman, Compose, Docker's MCP gateway.

use super::options::{Takes, Walk};
use super::{Candidate, Opaque, Reader, Role, Source, Target, target};
use crate::package::Ecosystem::{self, Oci};

/// How the names begin that Docker's own catalogue gives its images.
const CATALOGUE: &str = "mcp/";

impl Reader {
    /// An image, and the command that runs inside it.
    pub(super) fn image(&mut self, walk: &Walk, words: &[String], role: Role, depth: u32) {
        for found in &walk.positionals {
            let Some((image, rest)) = words.get(found.index..).and_then(<[String]>::split_first)
            else {
                continue;
            };
            self.package(image, Oci, role);
            let Some(depth) = depth.checked_sub(1) else {
                return self.opaque(Opaque::Convoluted);
            };
            if found.sure {
                self.inner(walk, rest, role, depth);
            }
        }
    }

    /// The command behind a container or a service, which are only names.
    pub(super) fn inside_of(&mut self, walk: &Walk, words: &[String], role: Role, depth: u32) {
        let Some(depth) = depth.checked_sub(1) else {
            return self.opaque(Opaque::Convoluted);
        };
        if let Some(name) = walk.positionals.iter().find(|found| found.sure) {
            let rest = words.get(name.index + 1..).unwrap_or_default();
            self.inner(walk, rest, role, depth);
        }
    }

    fn inner(&mut self, walk: &Walk, rest: &[String], role: Role, depth: u32) {
        let entry = walk.value(Takes::Entry).map(entry_words);
        let words: Vec<String> = entry
            .into_iter()
            .flatten()
            .chain(rest.iter().cloned())
            .collect();
        self.command(&words, role.beside(), depth);
    }

    /// `COMPOSE_FILE=a.yaml:b.yaml`. What parts the files is a setting of its own, and an address
    /// has the usual sign in it, so what stands between any two signs is read.
    pub(super) fn compose_files(&mut self, files: &str, role: Role) {
        for file in files.split([';', ',', '|', ' ']) {
            match file.find("oci://").and_then(|at| file.get(at + 6..)) {
                Some(image) => self.package(image, Oci, role),
                None if file.contains("://") => self.source(Source::Url),
                None => self.source(Source::Path),
            }
        }
    }

    /// `--servers=fetch,docker://mcp/git:1`. Which image a name stands for is in the catalogue;
    /// most are called alike, so that is a guess.
    pub(super) fn servers(&mut self, names: &str) {
        for name in names.split(',').map(str::trim) {
            if name.contains("://") && !name.starts_with("docker://") {
                self.source(Source::Url);
            } else if name.contains('/') {
                self.package(name, Oci, Role::Extra);
            } else if let Target::Registry { name, spec, .. } =
                target(&format!("{CATALOGUE}{name}"), Oci)
                && Oci.is_legal(&name)
            {
                self.push(Candidate {
                    ecosystem: Ecosystem::Oci,
                    name,
                    spec,
                    role: Role::Extra,
                    alias: false,
                    guess: true,
                });
            }
        }
    }
}

/// Podman takes a list as well: `--entrypoint '["npx", "-y"]'`.
fn entry_words(entry: &str) -> Vec<String> {
    match entry
        .trim()
        .strip_prefix('[')
        .and_then(|list| list.strip_suffix(']'))
    {
        Some(list) => {
            let words = list.split(',').map(|word| word.trim().trim_matches('"'));
            words.map(str::to_owned).collect()
        }
        None if entry.is_empty() => Vec::new(),
        None => vec![entry.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{argv, facts};

    #[track_caller]
    fn check(rows: &[(&str, &str)]) {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (line, expected) in rows {
            let found = facts(&argv(&line.replace("DIGEST", &digest)), &[]);
            assert_eq!(found, expected.replace("DIGEST", &digest), "{line}");
        }
    }

    #[test]
    fn images_and_what_runs_in_them() {
        check(&[
            ("docker run -i --rm x/y@DIGEST", "oci:x/y =DIGEST"),
            (
                "docker run -i x/y:1.2@DIGEST npx evil@1.0.0",
                "oci:x/y =DIGEST, npm:evil =1.0.0 extra",
            ),
            (
                "podman run --rm -i quay.io/x/y:latest",
                "oci:quay.io/x/y #latest",
            ),
            ("docker run localhost:5000/x/y", "oci:localhost:5000/x/y"),
            (
                "docker run --entrypoint sh x -c 'npx evil@1.0.0'",
                "oci:x, npm:evil =1.0.0 extra",
            ),
            (
                "docker run --entrypoint '' x npx evil@1.0.0",
                "oci:x, npm:evil =1.0.0 extra",
            ),
            (
                "podman run --entrypoint '[\"npx\", \"-y\"]' x evil@1.0.0",
                "oci:x, npm:evil =1.0.0 extra",
            ),
            ("podman run docker-archive:/tmp/x.tar", "path"),
            ("podman run oci:/tmp/x:1", "path"),
            ("podman run docker-daemon:x/y:1", "oci:x/y #1"),
            ("docker run oci:1.0", "oci:oci #1.0"),
        ]);
    }

    #[test]
    fn commands_in_containers_and_services_are_certain() {
        check(&[
            (
                "docker exec -i box npx -y evil@1.0.0",
                "npm:evil =1.0.0 extra",
            ),
            (
                "docker exec -it -e A=b box sh -c 'npx evil@1.0.0; ls'",
                "npm:evil =1.0.0 extra, opaque",
            ),
            (
                "docker container exec -u me box uvx evil==1.0",
                "pypi:evil =1.0 extra",
            ),
            ("podman exec box mcp-server", ""),
            (
                "docker compose run --rm -T app npx evil@1.0.0",
                "npm:evil =1.0.0 extra",
            ),
            (
                "docker compose -f c.yaml exec app uvx evil",
                "pypi:evil extra, path",
            ),
            (
                "docker compose run --entrypoint npx app evil@1.0.0",
                "npm:evil =1.0.0 extra",
            ),
            (
                "docker-compose -p x run app npx evil@1.0.0",
                "npm:evil =1.0.0 extra",
            ),
            ("docker compose run --rm app", ""),
        ]);
    }

    #[test]
    fn files_from_elsewhere_are_told() {
        check(&[
            ("docker compose -f https://x.example/r.git up", "git"),
            (
                "docker compose --file=https://x.example/c.yaml run app",
                "url",
            ),
            (
                "docker compose -f oci://docker.io/x/evil:1 up",
                "oci:docker.io/x/evil #1",
            ),
            ("podman kube play https://x.example/pod.yaml", "url"),
            ("podman play kube pod.yaml", "path"),
            ("docker compose -f compose.yaml up -d", "path"),
        ]);
    }

    #[test]
    fn servers_of_the_gateway_are_looked_up() {
        check(&[
            (
                "docker mcp gateway run --servers=fetch",
                "oci:mcp/fetch extra?",
            ),
            (
                "docker mcp gateway run --servers fetch,git",
                "oci:mcp/fetch extra?, oci:mcp/git extra?",
            ),
            (
                "docker mcp gateway run --server docker://x/evil:1",
                "oci:x/evil #1 extra",
            ),
            (
                "docker mcp gateway run --server docker.io/x/evil:1",
                "oci:docker.io/x/evil #1 extra",
            ),
            (
                "docker mcp gateway run --catalog https://x.example/c.yaml",
                "override",
            ),
            (
                "docker mcp gateway run --additional-catalog=./c.yaml",
                "override",
            ),
            (
                "docker mcp gateway run --interceptor before:exec:/tmp/x",
                "opaque",
            ),
            (
                "docker mcp profile create --name d --server docker://x/evil@DIGEST",
                "oci:x/evil =DIGEST extra",
            ),
            ("docker mcp gateway run", ""),
            ("docker mcp gateway run --profile work --port 8080", ""),
            (
                "docker mcp gateway run --catalog docker-mcp.yaml --verbose",
                "",
            ),
            ("docker mcp catalog ls", ""),
        ]);
    }
}
