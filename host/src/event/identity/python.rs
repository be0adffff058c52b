//! What Python's launchers and interpreter would run, as far as the disk says.

use super::disk::text;
use super::{Identity, Launch, MAX_ENTRIES, bare, normal_version, package};
use std::path::{Path, PathBuf};

/// How much of the lists of files of an environment's distributions is read.
const MAX_RECORD_BYTES: usize = 32 << 20;

/// A tool that uv or pipx installed before, if that is what these words ask for: `named` is the
/// package, with a version where one is certain.
pub(super) fn of_python_tool(
    launch: &Launch,
    launcher: &str,
    named: &str,
    words: &[String],
    home: &Path,
) -> Identity {
    let name = bare(named);
    let set = |variable: &str| {
        let found = launch.env.iter().find(|(name, _)| name == variable);
        found.map(|(_, path)| PathBuf::from(path))
    };
    let tools = match launcher {
        "pipx" => set("PIPX_HOME")
            .unwrap_or_else(|| home.join(".local/share/pipx"))
            .join("venvs"),
        _ => set("UV_TOOL_DIR").unwrap_or_else(|| home.join(".local/share/uv/tools")),
    };
    let installed = site_packages(&tools.join(name)).and_then(|site| {
        let info = infos(&site).find(|info| is_called(info, name))?;
        package_of(&info)
    });
    // Another version runs from a cache, or is fetched.
    let asked = named
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('@'));
    let serves = |package: &String| {
        let version = package.rsplit('@').next().unwrap_or_default();
        asked.is_none_or(|asked| is_same(asked, version)) && accept(words, name, version)
    };
    let Some(package) = installed.filter(serves) else {
        return Identity::unknown("the package is not on this disk, or in a cache of its launcher");
    };
    let program = tools.join(name).join("bin").join(name);
    let found = match program.canonicalize() {
        Ok(program) => Identity::of(&program),
        Err(_) => Identity::unknown("the package has no program of its own name"),
    };
    Identity {
        package: Some(package),
        ..found
    }
}

/// Whether words that ask for a package are content with this version of it, so that uv takes the
/// installed tool (seen with uv 0.13). A range, `@latest` or extras may need another one, and are not
/// looked into.
fn accept(words: &[String], name: &str, version: &str) -> bool {
    let asked = |word: &String| {
        let word = ["--from=", "--spec="]
            .iter()
            .find_map(|option| word.strip_prefix(option))
            .unwrap_or(word);
        let end = word.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
        let (own, rest) = word.split_at(end.unwrap_or(word.len()));
        (normal(own) == normal(name)).then(|| rest.trim().to_owned())
    };
    let apart = |word: &String| word == "--isolated" || word.starts_with("--with");
    let mut before = words.iter().take_while(|word| asked(word).is_none());
    let content = words.iter().filter_map(asked).all(|rest| {
        let exact = rest.trim_start_matches(['=', '@']).trim();
        rest.is_empty() || (rest.starts_with(['=', '@']) && is_same(exact, version))
    });
    content && !before.any(apart)
}

fn is_same(one: &str, other: &str) -> bool {
    normal_version("pypi", one) == normal_version("pypi", other)
}

/// `python -m MODULE` of the environment that the interpreter belongs to.
pub(super) fn of_module(python: &Path, module: &str) -> Identity {
    let site = python
        .parent()
        .and_then(Path::parent)
        .and_then(site_packages);
    let Some(site) = site else {
        return Identity::unknown("where the interpreter has its modules is not known");
    };
    let path = module.replace('.', "/");
    let files = [format!("{path}/__main__.py"), format!("{path}.py")];
    let mut entries = files.iter().map(|file| site.join(file));
    let entry = entries.find(|entry| entry.is_file());
    let top = module.split('.').next().unwrap_or(module);
    // Most distributions are called like their module.
    let called = infos(&site).find(|info| is_called(info, top));
    let sure = called
        .as_deref()
        .filter(|info| record(&site, info).is_none_or(|record| lists(&record, &files)));
    let info = match sure {
        Some(info) => Some(info.to_owned()),
        None => that_brings(&site, &files, top).or(called),
    };
    let package = info.and_then(|info| package_of(&info));
    Identity::of_package(package, entry.as_deref(), "the module was not found")
}

/// The distribution that lists one of these files as its own, else the only one that claims the
/// top name: many may share one, like `google` or `awslabs`.
fn that_brings(site: &Path, files: &[String], top: &str) -> Option<String> {
    let mut left = MAX_RECORD_BYTES;
    let mut claims = Vec::new();
    for info in infos(site) {
        let record = record(site, &info).unwrap_or_default();
        left = left.checked_sub(record.len())?;
        if lists(&record, files) {
            return Some(info);
        }
        let claimed = text(&site.join(format!("{info}.dist-info/top_level.txt")));
        if claimed.is_some_and(|names| names.lines().any(|name| name.trim() == top)) {
            claims.push(info);
        }
    }
    claims.pop().filter(|_| claims.is_empty())
}

/// Source: the format of RECORD in "Recording installed projects".
fn record(site: &Path, info: &str) -> Option<String> {
    text(&site.join(format!("{info}.dist-info/RECORD")))
}

fn lists(record: &str, files: &[String]) -> bool {
    let mut paths = record.lines().filter_map(|line| line.split(',').next());
    paths.any(|path| files.iter().any(|file| file == path))
}

/// The distribution that put a script into an environment's `bin`, by its entry points or by its list
/// of files; or a file among the modules, by that list.
pub(super) fn python_around(entry: &Path) -> Option<String> {
    let is_site = |at: &&Path| {
        let name = at.file_name();
        name.is_some_and(|name| name == "site-packages" || name == "dist-packages")
    };
    if let Some(site) = entry.ancestors().skip(1).find(is_site) {
        let file = entry.strip_prefix(site).ok()?.to_str()?.to_owned();
        return that_lists(site, &[file]).and_then(|info| package_of(&info));
    }
    let name = entry.file_name()?.to_str()?;
    let site = site_packages(entry.parent()?.parent()?)?;
    let points = infos(&site).find(|info| {
        let points = site.join(format!("{info}.dist-info/entry_points.txt"));
        text(&points).is_some_and(|points| {
            points
                .lines()
                .filter_map(|line| line.split_once('='))
                .any(|(script, _)| script.trim() == name)
        })
    });
    // Paths are relative to the modules' folder.
    let listed = || that_lists(&site, &[format!("../../../bin/{name}")]);
    package_of(&points.or_else(listed)?)
}

/// The distribution that lists one of these files as its own.
fn that_lists(site: &Path, files: &[String]) -> Option<String> {
    let mut left = MAX_RECORD_BYTES;
    infos(site)
        .map_while(|info| {
            let record = record(site, &info).unwrap_or_default();
            left = left.checked_sub(record.len())?;
            Some((info, lists(&record, files)))
        })
        .find_map(|(info, lists)| lists.then_some(info))
}

/// `name-version` of each distribution in an environment.
fn infos(site: &Path) -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir(site).into_iter().flatten();
    entries.take(MAX_ENTRIES).flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        name.strip_suffix(".dist-info").map(str::to_owned)
    })
}

fn is_called(info: &str, name: &str) -> bool {
    info.rsplit_once('-')
        .is_some_and(|(of, _)| normal(of) == normal(name))
}

fn package_of(info: &str) -> Option<String> {
    let (name, version) = info.rsplit_once('-')?;
    package("pypi", &normal(name), version)
}

/// Where an environment has its modules.
fn site_packages(environment: &Path) -> Option<PathBuf> {
    let versions = std::fs::read_dir(environment.join("lib")).ok()?;
    versions
        .take(MAX_ENTRIES)
        .flatten()
        .map(|version| version.path().join("site-packages"))
        .find(|site| site.is_dir())
}

/// Source: PEP 503.
fn normal(name: &str) -> String {
    name.to_ascii_lowercase().replace(['_', '.'], "-")
}

#[cfg(test)]
mod tests {
    use super::accept;

    #[test]
    fn only_the_version_that_is_asked_for_is_accepted() {
        for (line, accepted) in [
            ("a-b", true),
            ("A_b --port 1", true),
            ("a-b@1.0", true),
            ("a-b==1.0", true),
            ("a-b==1.0.0", true),
            ("--from a-b===1.0 x", true),
            ("--from=a-b==1.0 x", true),
            ("tool run a-b", true),
            ("a-b-c@2.0", true),
            ("a-b@2.0", false),
            ("a-b==2.0", false),
            ("--from=a-b==2.0 a-b", false),
            ("a-b>=1.0", false),
            ("a-b=1.0.1", false),
            ("a-b@latest", false),
            ("a-b[x]", false),
            ("tool run --isolated a-b", false),
            ("a-b --isolated", true),
            ("--with=x a-b", false),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(accept(&words, "a-b", "1.0"), accepted, "{line}");
        }
    }
}
