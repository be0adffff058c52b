//! Here-documents, taken out of a script before it is read: what they hold is no part of its lines,
//! and an apostrophe in one begins no quotation.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

/// What stood between `<<MARKER` and the marker.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Body {
    pub text: String,
    /// The marker was not quoted, so variables and substitutions inside are replaced.
    pub expands: bool,
    /// It goes into a file or a message as it is. Of any other the words may be names of files.
    pub is_kept: bool,
}

/// A script without the bodies of its here-documents, and these. One whose marker never comes, or of
/// which it is not sure that it is one, stays where it is and is read as lines.
pub(super) fn cut(script: &str) -> (Cow<'_, str>, Vec<Body>) {
    if !script.contains("<<") {
        return (Cow::Borrowed(script), Vec::new());
    }
    let mut cutter = Cutter::new(script);
    cutter.run();
    (Cow::Owned(cutter.out), cutter.bodies)
}

/// Where a letter stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Double,
    /// `( … )`, in which lines stand; with how many `case` came before.
    Lines(usize),
    /// `(( … ))`, in which `<<` shifts.
    Numbers,
}

struct Marker {
    text: String,
    quoted: bool,
    /// `<<-`: tabs before its lines don't count.
    tabs: bool,
    is_kept: bool,
}

/// Where each line of a script begins.
type Lines<'a> = HashMap<&'a str, VecDeque<usize>>;

struct Cutter<'a> {
    script: &'a str,
    at: usize,
    inside: Vec<Inside>,
    /// How many `case` were met: their patterns have a parenthesis too many.
    cases: usize,
    /// Begun on this line.
    pending: Vec<Marker>,
    /// By what they say, and by what they say behind the tabs before it.
    lines: (Lines<'a>, Lines<'a>),
    out: String,
    bodies: Vec<Body>,
}

impl<'a> Cutter<'a> {
    fn new(script: &'a str) -> Self {
        let mut lines = (Lines::new(), Lines::new());
        let mut at = 0;
        for line in script.split('\n') {
            let told = line.trim_start_matches('\t');
            lines.0.entry(line).or_default().push_back(at);
            lines.1.entry(told).or_default().push_back(at);
            at += line.len() + 1;
        }
        Self {
            script,
            at: 0,
            inside: Vec::new(),
            cases: 0,
            pending: Vec::new(),
            lines,
            out: String::new(),
            bodies: Vec::new(),
        }
    }

    fn rest(&self) -> &'a str {
        self.script.get(self.at..).unwrap_or("")
    }

    /// Copies so many bytes.
    fn copy(&mut self, bytes: usize) {
        let text = self.rest().get(..bytes).unwrap_or(self.rest());
        self.out.push_str(text);
        self.at += text.len();
    }

    /// From here on shells may read it in several ways: nothing more is cut out.
    fn give_up(&mut self) {
        self.pending.clear();
        self.copy(usize::MAX);
    }

    fn run(&mut self) {
        let mut last = '\n';
        while let Some(c) = self.rest().chars().next() {
            let next = self.rest().chars().nth(1);
            let before = std::mem::replace(&mut last, c);
            let top = self.inside.last().copied();
            let double = top == Some(Inside::Double);
            match c {
                '\\' => self.copy(1 + next.map_or(0, char::len_utf8)),
                '`' => self.plain_past("`", 1),
                '$' if next == Some('{') => self.plain_past("}", 2),
                '$' if next == Some('(') => {
                    let numbers = self.rest().starts_with("$((");
                    self.open(numbers, 2);
                }
                '"' if double => self.leave(),
                _ if double => self.copy(c.len_utf8()),
                '"' => {
                    self.inside.push(Inside::Double);
                    self.copy(1);
                }
                '$' if next == Some('\'') => self.ansi_c(),
                '$' if next == Some('[') => self.give_up(),
                '[' if before.is_alphanumeric() || before == '_' => self.give_up(),
                '\'' => match self.rest().get(1..).and_then(|rest| rest.find('\'')) {
                    Some(end) => self.copy(end + 2),
                    None => self.give_up(),
                },
                '(' => {
                    let numbers = self.rest().starts_with("((");
                    self.open(numbers, 1);
                }
                ')' => match top {
                    Some(Inside::Lines(cases)) => {
                        let sure = cases == self.cases && self.pending.is_empty();
                        if sure { self.leave() } else { self.give_up() }
                    }
                    Some(_) => self.leave(),
                    None => self.copy(1),
                },
                '#' if before == ')' => self.give_up(),
                '#' if " \t\n;&|(".contains(before) => {
                    let end = self.rest().find('\n');
                    self.copy(end.unwrap_or(usize::MAX));
                }
                '<' if self.rest().starts_with("<<<") => self.copy(3),
                '<' if next == Some('<') && top != Some(Inside::Numbers) => self.begin(),
                '\n' => self.end_line(),
                c => {
                    self.cases += usize::from(self.rest().starts_with("case"));
                    self.copy(c.len_utf8());
                }
            }
        }
    }

    /// Copies `skip` bytes and on past `end`, if nothing between could have an end of its own.
    fn plain_past(&mut self, end: &str, skip: usize) {
        let inside = self
            .rest()
            .get(skip..)
            .and_then(|rest| rest.split_once(end));
        match inside {
            Some((inside, _))
                if !inside.contains(['"', '\'', '`', '\\', '$', '<', '#', '(', '{', '\n']) =>
            {
                self.copy(skip + inside.len() + end.len());
            }
            _ => self.give_up(),
        }
    }

    fn leave(&mut self) {
        self.inside.pop();
        self.copy(1);
    }

    /// A parenthesis; inside numbers there are only numbers.
    fn open(&mut self, numbers: bool, bytes: usize) {
        let numbers = numbers || self.inside.last() == Some(&Inside::Numbers);
        self.inside.push(match numbers {
            true => Inside::Numbers,
            false => Inside::Lines(self.cases),
        });
        self.copy(bytes);
    }

    /// `$'…'`, in which a backslash keeps a quote from ending it.
    fn ansi_c(&mut self) {
        self.copy(2);
        while let Some(c) = self.rest().chars().next() {
            let next = self.rest().chars().nth(1);
            match c {
                '\\' => self.copy(1 + next.map_or(0, char::len_utf8)),
                _ => self.copy(c.len_utf8()),
            }
            if c == '\'' {
                return;
            }
        }
    }

    /// Whether the command at the end of `out` only hands on what it reads: `cat > FILE`, `tee FILE`, or
    /// `cat` for the text of a commit or the like.
    fn keeps(&self) -> bool {
        const ENDS: [char; 6] = [';', '&', '|', '(', '`', '\n'];
        let (before, own) = self.out.rsplit_once(ENDS).unwrap_or(("", &self.out));
        let after = self.rest().split('\n').next().unwrap_or("");
        if after.replace("||", "").contains(['|', '(', '`']) {
            return false;
        }
        let substituted = self.out.get(before.len()..).unwrap_or("").starts_with('(');
        match own.split_whitespace().next() {
            Some("tee") => true,
            Some("cat") if substituted && before.ends_with('$') => {
                let outer = before.rsplit(ENDS).next().unwrap_or("");
                let name = outer.split_whitespace().next();
                name.is_some_and(|name| WRITES.contains(&name))
            }
            Some("cat") => own.contains('>') || after.contains('>'),
            _ => false,
        }
    }

    /// `<<`, with the marker behind it.
    fn begin(&mut self) {
        let is_kept = self.keeps();
        self.copy(2);
        let tabs = self.rest().starts_with('-');
        self.copy(usize::from(tabs));
        let blanks = self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
        self.copy(blanks);
        let mut marker = Marker {
            text: String::new(),
            quoted: false,
            tabs,
            is_kept,
        };
        let mut quote = None;
        while let Some(c) = self.rest().chars().next() {
            match (quote, c) {
                (None, ' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>') => break,
                // What is no word to people is none that ends a document, or not sure to.
                (_, '\n' | '$' | '`' | '\\' | '[' | '{') => return self.give_up(),
                (Some(open), c) if open == c => quote = None,
                (None, '\'' | '"') => {
                    quote = Some(c);
                    marker.quoted = true;
                }
                (_, c) => marker.text.push(c),
            }
            self.copy(c.len_utf8());
        }
        match quote.is_none() && !marker.text.is_empty() {
            true => self.pending.push(marker),
            false => self.give_up(),
        }
    }

    /// The bodies of what this line began follow it.
    fn end_line(&mut self) {
        self.copy(1);
        for marker in std::mem::take(&mut self.pending) {
            let Some(end) = self.find(&marker) else {
                // It takes all that follows, in a shell; here it hides nothing.
                return self.give_up();
            };
            let text = self.script.get(self.at..end).unwrap_or("").to_owned();
            // `$(cat <<E … E)`: some shells let the parenthesis end both.
            let closes = |line: &str| {
                let rest = line.trim_start_matches('\t').strip_prefix(&marker.text);
                rest.is_some_and(|rest| rest.starts_with(')'))
            };
            let inside = |place: &Inside| matches!(place, Inside::Lines(_));
            if self.inside.iter().any(inside) && text.lines().any(closes) {
                return self.give_up();
            }
            self.bodies.push(Body {
                text,
                expands: !marker.quoted,
                is_kept: marker.is_kept,
            });
            let rest = self.script.get(end..).unwrap_or("");
            let line = rest.find('\n').map_or(rest.len(), |found| found + 1);
            self.at = end + line;
        }
    }

    /// Where the line of a marker begins.
    fn find(&mut self, marker: &Marker) -> Option<usize> {
        let lines = match marker.tabs {
            true => &mut self.lines.1,
            false => &mut self.lines.0,
        };
        let places = lines.get_mut(marker.text.as_str())?;
        while places.front().is_some_and(|place| *place < self.at) {
            places.pop_front();
        }
        places.front().copied()
    }
}

/// Programs of which an argument is a text for people.
const WRITES: [&str; 6] = ["echo", "gh", "git", "glab", "hg", "printf"];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(script: &str, left: &str, bodies: &[(&str, bool)]) {
        let (rest, found) = cut(script);
        assert_eq!(rest, left);
        let found: Vec<(&str, bool)> = found
            .iter()
            .map(|body| (body.text.as_str(), body.expands))
            .collect();
        assert_eq!(found, bodies);
    }

    #[test]
    fn a_parenthesis_behind_the_marker_may_end_both() {
        stays("x \"$(cat <<E\na\nE))\"; b\nE\n)\"");
        check("cat <<E\nE)\nE\nb", "cat <<E\nb", &[("E)\n", true)]);
    }

    /// It is no here-document, or one that is not sure to be one.
    #[track_caller]
    fn stays(script: &str) {
        check(script, script, &[]);
    }

    #[test]
    fn a_body_is_cut_out_and_its_line_stays() {
        check("cat <<E\ndon't\nE\nls", "cat <<E\nls", &[("don't\n", true)]);
        check("cat <<'E'\n$x\nE", "cat <<'E'\n", &[("$x\n", false)]);
        check(
            "cat <<\"E F\"\na\nE F\n",
            "cat <<\"E F\"\n",
            &[("a\n", false)],
        );
        check("a <<-E\n\tx\n\tE\nb", "a <<-E\nb", &[("\tx\n", true)]);
        check("a <<E\n\tE\nE\nb", "a <<E\nb", &[("\tE\n", true)]);
        check(
            "a <<E <<F; b\n1\nE\n2\nF\nc",
            "a <<E <<F; b\nc",
            &[("1\n", true), ("2\n", true)],
        );
        check(
            "git commit -m \"$(cat <<'E'\nit's\nE\n)\" && ls",
            "git commit -m \"$(cat <<'E'\n)\" && ls",
            &[("it's\n", false)],
        );
        check("a <<E\nE", "a <<E\n", &[("", true)]);
    }

    #[test]
    fn what_is_no_here_document_stays() {
        for script in [
            "echo '<<E'\ncat f\nE",
            "echo \"<<E\"\ncat f\nE",
            "echo $'it\\'s <<E'\ncat f\nE",
            "echo \\<<E\ncat f\nF",
            "echo # <<E\ncat f\nE",
            "echo $((1<<E))\ncat f\nE))",
            "echo $((1<<E))\ncat f\nE",
            "((a<<E))\ncat f\nE",
            "((a << E))\ncat f\nE",
            "echo $[1<<E]\ncat f\nE]",
            "a[1<<E]=3\ncat f\nE]=3",
            "cat <<<E\ncat f\nE",
            "cat <<E\ncat f\n E",
            "cat <<$E\ncat f\n$E",
            "cat <<\ncat f\n",
            "cat <<\\E\ncat f\nE",
            "echo $[1 << E]\ncat f\nE]",
            "a[1 << E]=3\ncat f\nE]=3",
            "echo \"${x:-\"a <<E\"}\"\ncat f\nE",
            "echo \"$(case x in a) : \" <<E\n\" ; cat f ; : \"\nE\n\" ;; esac)\"",
            "echo $(x)#'\n <<E\n' ; cat f\nE",
            "echo \"$(cat <<E)\"\ncat f\nE",
            "echo `echo '` <<E' \ncat f\nE",
            "echo a\u{a0}#' <<E\n' ; cat f\nE",
        ] {
            stays(script);
        }
    }

    #[test]
    fn hostile_scripts_end() {
        for bit in [
            "<<a\n",
            "$(<<a\n",
            "<<a <<b\nb\n",
            "\"`<<a\n",
            "((<<\n",
            "a\n<<a\n",
        ] {
            let script = bit.repeat(100_000);
            let (rest, bodies) = cut(&script);
            assert!(rest.len() <= script.len() && bodies.len() <= script.len());
        }
    }
}
