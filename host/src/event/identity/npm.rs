//! What npm's launchers would take, as far as the disk says.

use super::disk::text;
use super::npmrc::cache;
use super::{Identity, Launch, normal_version, npm_name, resolve};
use sha2::Digest;
use std::path::{Path, PathBuf};

/// What npm's launchers would take: a program that lies here already, else what was fetched before.
pub(super) fn of_npm(
    launch: &Launch,
    launcher: &str,
    name: &str,
    words: &[String],
    home: &Path,
) -> Identity {
    let cwd = Path::new(&launch.cwd);
    let short = name.rsplit('/').next().unwrap_or(name);
    let Some((at, spec)) = words
        .iter()
        .enumerate()
        .find_map(|(at, word)| Some((at, spec_of(word, name)?)))
    else {
        return Identity::unknown("what the launcher will run can't be told from its words");
    };
    match launcher {
        "npx" | "npm" => {}
        // Source: Bun's documentation of bunx: what the project has comes first.
        "bunx" => {
            return program_above(cwd, short)
                .filter(|_| spec == name)
                .unwrap_or_else(|| Identity::unknown(ELSEWHERE));
        }
        _ => return Identity::unknown(ELSEWHERE),
    }
    let behind = words.get(at + 1..).unwrap_or_default();
    let before = words.get(..at).unwrap_or_default();
    let is_option = words.get(at).is_some_and(|word| word != spec)
        || before
            .last()
            .is_some_and(|word| word == "-p" || word == "--package");
    let asked = Asked { name, spec };
    match (is_option, program_of(behind)) {
        (true, Some(program)) => asked.of_program(launch, cwd, program, home),
        (true, None) => Identity::unknown("options of the launcher decide what will run"),
        (false, _) => asked.of_word(launch, launcher, cwd, short, home),
    }
}

const ELSEWHERE: &str = "where this launcher keeps what it fetched is not known";

/// The package as a word asks for it, with its version.
fn spec_of<'w>(word: &'w str, name: &str) -> Option<&'w str> {
    let options = ["--package=", "-p="];
    let mut options = options.iter().filter_map(|start| word.strip_prefix(start));
    let spec = options.next().unwrap_or(word);
    let rest = spec.strip_prefix(name)?;
    (rest.is_empty() || rest.starts_with('@')).then_some(spec)
}

/// The program that stands behind `--package NAME`, if nothing stands between that could be anything
/// else.
fn program_of(words: &[String]) -> Option<&str> {
    const FLAGS: [&str; 6] = ["-y", "--yes", "-q", "--quiet", "--silent", "--"];
    let mut words = words.iter().map(String::as_str);
    let word = words.find(|word| !FLAGS.contains(word))?;
    (!word.starts_with('-') && !word.contains('/')).then_some(word)
}

struct Asked<'w> {
    name: &'w str,
    /// With its version, as written.
    spec: &'w str,
}

/// Source of all that follows: libnpmexec and @npmcli/run-script, as of npm 11.19.
impl Asked<'_> {
    /// `npx SPEC`: a program called like the word as it stands, in the project, in a folder above it
    /// or installed for everybody; else the package's own program, of whichever of these has it.
    fn of_word(
        &self,
        launch: &Launch,
        launcher: &str,
        cwd: &Path,
        short: &str,
        home: &Path,
    ) -> Identity {
        let project = project(cwd);
        if brings(&project.join("package.json"), self.spec) {
            return Identity::unknown("the project itself brings a program of this name");
        }
        if let Some(found) = program_above(project, self.spec) {
            return found;
        }
        let global = resolve(launcher, launch, cwd)
            .and_then(|npx| npx.canonicalize().ok())
            .and_then(|npx| {
                let mut above = npx.ancestors();
                above.find(|at| is_modules(at)).map(Path::to_owned)
            });
        // `lib/node_modules` has its programs in `bin`.
        let programs = global.as_deref().and_then(|at| at.parent()?.parent());
        let programs = programs.map(|prefix| prefix.join("bin"));
        let program = |name: &str| programs.as_ref().map(|at| at.join(name));
        if let Some(program) = program(self.spec).filter(|program| program.is_file()) {
            return Identity::of(&program);
        }
        let own = self.manifest(&project.join("node_modules"));
        let own = [own, project.join("package.json")];
        if let Some(own) = own.into_iter().find(|own| self.serves(own)) {
            // It is not the package's file that is started, but what carries its program's name.
            let called = program_name(&own, short);
            let above = called.and_then(|called| program_above(project, &called));
            return above.unwrap_or_else(|| of_manifest(&own, short));
        }
        let global = global.map(|modules| self.manifest(&modules));
        if let Some(global) = global.filter(|global| self.serves(global)) {
            let called = program_name(&global, short);
            let linked = called.and_then(|called| program(&called));
            return match linked.filter(|linked| linked.is_file()) {
                Some(linked) => Identity::of(&linked),
                None => of_manifest(&global, short),
            };
        }
        self.of_cache(launch, short, home)
    }

    /// `npx --package SPEC PROGRAM`: of the package, where it must be fetched; else the project's.
    fn of_program(&self, launch: &Launch, cwd: &Path, program: &str, home: &Path) -> Identity {
        let project = project(cwd);
        let own = self.manifest(&project.join("node_modules"));
        let own = [own, project.join("package.json")];
        let found = match own.iter().any(|own| self.serves(own)) {
            true => program_above(project, program),
            false => {
                let fetched = modules(launch, self.spec, home).join(".bin").join(program);
                let fetched = fetched.is_file().then(|| of_program(&fetched));
                fetched.map(|found| self.fetched(found))
            }
        };
        found.unwrap_or_else(|| Identity::unknown("the package is not on this disk yet"))
    }

    fn of_cache(&self, launch: &Launch, short: &str, home: &Path) -> Identity {
        let manifest = self.manifest(&modules(launch, self.spec, home));
        match manifest.exists() {
            true => self.fetched(of_manifest(&manifest, short)),
            false => Identity::unknown("the package is not on this disk yet"),
        }
    }

    /// Without one exact version npx asks the registry for a newer one first.
    fn fetched(&self, found: Identity) -> Identity {
        let version = found
            .package
            .as_deref()
            .and_then(|at| at.rsplit('@').next());
        let normal = |version| normal_version("npm", version);
        let exact = self.version().map(normal) == version.map(normal);
        Identity {
            may_renew: !exact,
            ..found
        }
    }

    fn version(&self) -> Option<&str> {
        self.spec.strip_prefix(self.name)?.strip_prefix('@')
    }

    fn manifest(&self, modules: &Path) -> PathBuf {
        modules.join(self.name).join("package.json")
    }

    /// Whether the package at this manifest is what was asked for.
    fn serves(&self, manifest: &Path) -> bool {
        let read = text(manifest).and_then(|text| serde_json::from_str(&text).ok());
        let Some(manifest) = read.as_ref().and_then(serde_json::Value::as_object) else {
            return false;
        };
        let says = |key: &str| manifest.get(key).and_then(serde_json::Value::as_str);
        let same = |asked: &str| {
            let normal = |version| normal_version("npm", version);
            says("version").map(normal) == Some(normal(asked))
        };
        says("name") == Some(self.name) && self.version().is_none_or(same)
    }
}

/// The nearest folder with a package, as npm takes it for the project.
pub(super) fn project(cwd: &Path) -> &Path {
    let has = |folder: &&Path| {
        let holds = |name: &str| folder.join(name).exists();
        holds("package.json") || holds("node_modules")
    };
    cwd.ancestors().find(has).unwrap_or(cwd)
}

/// What runs by this name in the project or the nearest folder above that has such a program.
pub(super) fn program_above(project: &Path, name: &str) -> Option<Identity> {
    let mut programs = project
        .ancestors()
        .map(|folder| folder.join("node_modules/.bin").join(name));
    let program = programs.find(|program| program.is_file())?;
    Some(of_program(&program))
}

/// npm makes a link to a package's file of each program. Anything else in its place is code that no
/// package answers for, whatever a manifest near it says.
fn of_program(program: &Path) -> Identity {
    let found = Identity::of(program);
    let linked = program.symlink_metadata().is_ok_and(|at| at.is_symlink());
    let entry = found.entry.as_deref().map(Path::new).unwrap_or(program);
    if linked && entry.ancestors().any(is_modules) {
        return found;
    }
    Identity {
        package: None,
        unknown: Some("this program in node_modules/.bin is no link to a package in there".into()),
        ..found
    }
}

fn is_modules(folder: &Path) -> bool {
    folder
        .file_name()
        .is_some_and(|name| name == "node_modules")
}

/// Where npx keeps what it fetched for these words.
fn modules(launch: &Launch, spec: &str, home: &Path) -> PathBuf {
    let digest = data_encoding::HEXLOWER.encode(&sha2::Sha512::digest(spec.as_bytes()));
    npm_cache(launch, home)
        .join("_npx")
        .join(digest.get(..16).unwrap_or_default())
        .join("node_modules")
}

/// Whether the project at this manifest has a program of this name.
fn brings(manifest: &Path, program: &str) -> bool {
    let manifest: Option<serde_json::Value> =
        text(manifest).and_then(|text| serde_json::from_str(&text).ok());
    let Some(manifest) = manifest else {
        return false;
    };
    match manifest.get("bin") {
        Some(serde_json::Value::Object(all)) => all.contains_key(program),
        Some(serde_json::Value::String(_)) => {
            let name = manifest.get("name").and_then(serde_json::Value::as_str);
            name.is_some_and(|name| name.rsplit('/').next() == Some(program))
        }
        _ => false,
    }
}

/// Source: npm's configuration: `npm_config_cache`, then `cache` in the project's `.npmrc`, then in
/// `~/.npmrc`, then `~/.npm`.
fn npm_cache(launch: &Launch, home: &Path) -> PathBuf {
    let cwd = Path::new(&launch.cwd);
    let variable = launch
        .env
        .iter()
        .find(|(name, value)| name.eq_ignore_ascii_case("npm_config_cache") && !value.is_empty());
    let written = |folder: &Path| {
        let path = cache(&text(&folder.join(".npmrc"))?)?;
        Some(match path.strip_prefix("~/") {
            Some(rest) => home.join(rest),
            None => cwd.join(path),
        })
    };
    match variable {
        Some((_, path)) => cwd.join(path),
        None => written(project(cwd))
            .or_else(|| written(home))
            .unwrap_or_else(|| home.join(".npm")),
    }
}

/// The name of the only program of a package, or of the one that is called like it.
fn program_name(manifest: &Path, short: &str) -> Option<String> {
    let manifest: serde_json::Value = serde_json::from_str(&text(manifest)?).ok()?;
    let name = match manifest.get("bin")? {
        serde_json::Value::Object(all) if all.len() == 1 => all.keys().next()?,
        _ => short,
    };
    (!name.contains('/')).then(|| name.to_owned())
}

/// The program that a package of npm runs under its own name.
fn of_manifest(path: &Path, short: &str) -> Identity {
    let manifest: Option<serde_json::Value> =
        text(path).and_then(|text| serde_json::from_str(&text).ok());
    let bin = manifest
        .as_ref()
        .and_then(|manifest| match manifest.get("bin")? {
            serde_json::Value::String(path) => Some(path.as_str()),
            serde_json::Value::Object(all) => all
                .get(short)
                .or_else(|| all.values().next().filter(|_| all.len() == 1))?
                .as_str(),
            _ => None,
        });
    let entry = bin.and_then(|bin| path.parent()?.join(bin).canonicalize().ok());
    let package = manifest.as_ref().and_then(npm_name);
    Identity::of_package(package, entry.as_deref(), "the package names no program")
}
