//! What Python runs beside or instead of what it is told to: a module of the folder that it starts
//! in, and code that its variables bring.
//!
//! Which switches count was tried with Python 3.11: `-I` and `-E` leave its variables out, `-I` and
//! `-P` the folder, and `PYTHONSTARTUP` is read before a prompt only.

use super::options::Takes;
use super::wrapper::unwrapped;
use super::{MAX_DEPTH, Opaque, Reader, Role, Source, program_name, programs, tables, verbs};
use crate::effort;
use crate::package::Ecosystem::Pypi;

/// Python's variables that bring code, in lower case: other places of modules, of compiled modules
/// and of the user's own start file, and categories of warnings, which are imported.
pub const VARIABLES: [&str; 8] = [
    "pythonpath",
    "pythonhome",
    "pythonuserbase",
    "pythonplatlibdir",
    "pythonpycacheprefix",
    "pythonstartup",
    "pythonwarnings",
    "python_presite",
];

/// Whether only an administrator can write there: clients without a project start servers in these.
pub fn is_sheltered(cwd: &str) -> bool {
    let cwd = cwd.replace('\\', "/").to_ascii_lowercase();
    let folder = cwd.trim_end_matches('/');
    (cwd.starts_with('/') && folder.is_empty())
        || matches!(folder, "c:/windows" | "c:/windows/system32")
}

/// Whether it is one of Python's variables; `name` in lower case.
pub fn is_variable(name: &str) -> bool {
    VARIABLES.contains(&name)
}

/// Whether this variable brings code with it; `name` in lower case.
pub fn brings_code(name: &str, value: &str) -> bool {
    // Python's own categories of warnings have no dot: `ignore::DeprecationWarning`.
    let imports = name != "pythonwarnings" || value.contains('.');
    is_variable(name) && imports && !value.is_empty()
}

/// Which of Python's variables a command heeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heeds {
    variables: bool,
    startup: bool,
    /// It is a launcher of something else than Python.
    pub another: bool,
}

impl Heeds {
    /// Whether the variable may change what runs; `name` in lower case.
    pub fn variable(self, name: &str) -> bool {
        match name {
            "pythonstartup" => self.startup,
            name => self.variables || !is_variable(name),
        }
    }
}

/// Which of Python's variables the command heeds that stands behind all wrappers.
pub fn heeds(words: &[String]) -> Heeds {
    const PYTHONS: [&str; 11] = [
        "uv", "uvx", "pip", "pip3", "pipx", "poetry", "pdm", "pipenv", "hatch", "rye", "pip-run",
    ];
    let words = unwrapped(words, programs::may_start);
    let Some((program, rest)) = words.split_first() else {
        return Heeds {
            variables: true,
            startup: true,
            another: false,
        };
    };
    let name = program_name(program);
    let runner = programs::is_runner(&name);
    if programs::is_python(&name) {
        let switches = Switches::of(rest);
        let variables = !switches.has('I') && !switches.has('E');
        return Heeds {
            variables,
            startup: variables && (switches.has('i') || switches.bare),
            another: false,
        };
    }
    Heeds {
        variables: true,
        startup: !runner,
        another: runner && !PYTHONS.contains(&name.as_str()),
    }
}

/// The letters of Python's options before what it runs.
struct Switches {
    letters: String,
    /// Nothing is named that it runs.
    bare: bool,
}

impl Switches {
    fn of(words: &[String]) -> Self {
        let mut letters = String::new();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            effort::spend(word.len() + 1);
            let Some(bundle) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
                return Self {
                    letters,
                    bare: word == "-",
                };
            };
            if bundle.starts_with('-') {
                if word == "--check-hash-based-pycs" {
                    words.next();
                }
                continue;
            }
            for (at, letter) in bundle.char_indices() {
                match letter {
                    'c' | 'm' => {
                        return Self {
                            letters,
                            bare: false,
                        };
                    }
                    'W' | 'X' => {
                        if at + 1 == bundle.len() {
                            words.next();
                        }
                        break;
                    }
                    letter => letters.push(letter),
                }
            }
        }
        Self {
            letters,
            bare: true,
        }
    }

    fn has(&self, letter: char) -> bool {
        self.letters.contains(letter)
    }
}

impl Reader {
    pub(super) fn python(&mut self, words: &[String], role: Role, depth: u32) {
        let walk = tables::PYTHON.walk(words, 1);
        self.found.ambiguous |= walk.ambiguous;
        self.given(&walk.given, Pypi, role, depth);
        let Some(module) = walk.value(Takes::Module) else {
            if role == Role::Main && !walk.positionals.is_empty() {
                self.source(Source::Path);
            }
            return;
        };
        self.shadowed(&Switches::of(words).letters, role, depth);
        let at = words
            .iter()
            .position(|word| word.ends_with(module))
            .map_or(0, |at| at + 1);
        let rest = words.get(at..).unwrap_or_default();
        match module {
            "pip" | "pip.__main__" | "pip._internal" | "pip._internal.cli.main" => {
                self.verb(verbs::PIP, &tables::PIP, Pypi, rest, role, depth)
            }
            "pipx" => self.verb(verbs::PIPX, &tables::PIPX, Pypi, rest, role, depth),
            "uv" => self.verb(verbs::UV, &tables::UV, Pypi, rest, role, depth),
            _ => {
                // Installed already; which distribution holds the module is not written here, but
                // most carry its name.
                self.source(Source::Path);
                self.found.ambiguous = true;
                let top = module.split('.').next().unwrap_or_default();
                self.guess(&top.replace('_', "-"));
            }
        }
    }

    /// A file in the folder where it starts is taken before an installed module of the same name.
    pub(super) fn shadowed(&mut self, switches: &str, role: Role, depth: u32) {
        let set = |name: &str| {
            self.variables
                .get(name)
                .is_some_and(|text| !text.is_empty())
        };
        let safe = switches.contains(['I', 'P'])
            || (!switches.contains('E') && set("PYTHONSAFEPATH"))
            // A wrapper may change the folder first.
            || (self.sheltered && depth == MAX_DEPTH);
        if role == Role::Main && !safe {
            self.opaque(Opaque::Script);
        }
    }
}
