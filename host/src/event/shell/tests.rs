//! Lines and the commands in them.

use super::expansion::{MAX_EXPANDED_BYTES, MAX_VARIABLES};
use super::*;
use expect_test::{Expect, expect};

#[track_caller]
fn check(script: &str, expect: Expect) {
    let line = |s: Simple| {
        let assigned = s.assigned.iter().map(|(k, v)| format!("{k}={v}"));
        let words = s.words.iter().map(|w| format!("[{w}]"));
        let files = s.redirected.iter().map(|f| format!("<>{f}"));
        let also = s.also.iter().map(|a| format!("?{a}"));
        let parts: Vec<String> = assigned.chain(words).chain(files).chain(also).collect();
        parts.join(" ")
    };
    let lines: Vec<String> = commands(script).into_iter().map(line).collect();
    expect.assert_eq(&lines.join("\n"));
}

#[test]
fn quotes_and_escapes_do_not_hide_a_word() {
    check("cat ~/.s''sh/\"id\"_rsa", expect!["[cat] [~/.ssh/id_rsa]"]);
    check(
        r"cat ~/.s\sh/id_rsa",
        expect![r"[cat] [~/.ssh/id_rsa] ?~/.s\sh/id_rsa"],
    );
    check(
        r"cat $'\x7e/.ss\150/id_rsa'",
        expect!["[cat] [~/.ssh/id_rsa]"],
    );
    check(
        r"type C:\Users\u\x",
        expect![r"[type] [C:Usersux] ?C:\Users\u\x"],
    );
    check("echo 'a b' \"c d\" ''", expect!["[echo] [a b] [c d] []"]);
    check("echo 'open", expect!["[echo] [open]"]);
}

#[test]
fn every_part_of_a_line_is_a_command_of_its_own() {
    check(
        "a x | b && c; d & e\nf",
        expect![[r#"
        [a] [x]
        [b]
        [c]
        [d]
        [e]
        [f]"#]],
    );
    check(
        "echo $(cat ~/x `id`) \"$(whoami)\"",
        expect![[r#"
        [echo] [] []
        [cat] [~/x] []
        [id]
        [whoami]"#]],
    );
    check(
        "diff <(sort a) b",
        expect![[r#"
        [diff] [b]
        [sort] [a]"#]],
    );
    check(
        "(cd /x && ls)",
        expect![[r#"
        [cd] [/x]
        [ls]"#]],
    );
    check("ls # don't look /etc", expect!["[ls] ?don't ?look ?/etc"]);
    check(
        "bash <<EOF\ncat x\nEOF",
        expect![[r#"
            [bash]
            [cat] [x]"#]],
    );
}

#[test]
fn redirections_assignments_and_braces_are_followed() {
    check(
        "cat <~/a >/tmp/b 2>>c 2>&1",
        expect!["[cat] <>~/a <>/tmp/b <>c <>1"],
    );
    check(
        "A=~/.ssh B=1 cat $A/id_rsa",
        expect!["A=~/.ssh B=1 [cat] [~/.ssh/id_rsa]"],
    );
    check(
        "d=.ssh; cat ~/${d}/k",
        expect![[r#"
        d=.ssh
        [cat] [~/.ssh/k]"#]],
    );
    check(
        "cat ~/.{ssh,aws}/x ${HOME}/y",
        expect!["[cat] [~/.ssh/x] [~/.aws/x] [${HOME}/y]"],
    );
    check(
        "c='cat /x'; $c",
        expect![[r#"
        c=cat /x
        [cat] [/x]"#]],
    );
}

#[test]
fn programs_have_one_name() {
    assert_eq!(program("/usr/bin/curl"), "curl");
    assert_eq!(program(r"C:\Windows\System32\CMD.EXE"), "cmd");
    assert_eq!(program("python3"), "python3");
}

#[test]
fn hostile_lines_end() {
    commands(&"$(".repeat(50_000));
    commands(&"{a,b}".repeat(1_000));
    commands(&"`".repeat(9_999));
    commands("a=$a$a; b=$a$b$b");
}

#[test]
fn what_would_grow_without_bound_is_not_written_out_and_says_so() {
    let unread = |script: &str| commands(script).iter().any(|simple| simple.unread);
    let value = "x".repeat(60 << 10);
    for uses in [
        "echo $a; ".repeat(1000),
        "$a".repeat(100_000),
        "{$a,$a}".repeat(9),
    ] {
        let script = format!("a={value}; {uses}");
        let words = commands(&script)
            .into_iter()
            .flat_map(|simple| simple.words);
        let bytes: usize = words.map(|word| word.len()).sum();
        assert!(bytes <= MAX_EXPANDED_BYTES + script.len(), "{bytes}");
        assert!(unread(&script));
    }
    assert!(unread(&format!("cat {}", "{a,b}".repeat(20))));
    let assigned: String = (0..=MAX_VARIABLES).map(|n| format!("v{n}=1; ")).collect();
    assert!(unread(&assigned));
    assert!(!unread("a=1 b=2; a=3; cat {a,b}{c,d} ${a}x $HOME $a$b"));
}

#[test]
fn a_variable_is_read_as_far_as_its_name_goes() {
    check(
        "a=/etc; cat $a/b $ab ${a}b $",
        expect![[r#"
            a=/etc
            [cat] [/etc/b] [$ab] [/etcb] [$]
            [cat] [/etc/b] [] [/etcb] [$]"#]],
    );
}

#[test]
fn a_here_string_is_a_word_and_a_line() {
    check(
        "bash <<< 'cat ~/x' -s",
        expect![[r#"
        [bash] [-s] [cat ~/x]
        [cat] [~/x]"#]],
    );
    check(
        "<<<$a cat 2<<-END",
        expect![[r#"
        [cat] [$a]
        [cat] []
        [$a]
        []"#]],
    );
}

#[test]
fn a_variable_that_the_script_does_not_set_may_be_nothing() {
    check(
        "c${x}at ~/.a$@ws/$9b ${y:-/etc}/${z:+a}",
        expect![[r#"
            [c${x}at] [~/.a$@ws/$9b] [${y:-/etc}/${z:+a}]
            [cat] [~/.aws/b] [/etc/a] [/etc/]"#]],
    );
    check(
        "cat $HOME/x $(id) $? $",
        expect![[r#"
        [cat] [$HOME/x] [] [$?] [$]
        [id]"#]],
    );
    check(
        "${a:-${b:-cat /etc}/x} y",
        expect![[r#"
        [${a:-${b:-cat /etc}/x}] [y]
        [cat] [/etc/x] [y]"#]],
    );
    check(
        "cat ${HOME:0:1}etc",
        expect![[r#"
        [cat] [${HOME:0:1}etc]
        [cat] [/etc] [etc]"#]],
    );
}

#[test]
fn a_variable_that_the_script_sets_twice_may_be_either() {
    check(
        "x=/a; export x=/b; cat $x/c",
        expect![[r#"
        x=/a
        [export] [x=/b]
        [cat] [/b/c]
        [cat] [/a/c] [/b/c]"#]],
    );
    check(
        "for d in a b; do $d/c; done",
        expect![[r#"
            [for] [d] [in] [a] [b]
            [do] [b/c]
            [do] [a/c]
            [done]"#]],
    );
}

#[test]
fn braces_and_patterns_are_followed_inwards() {
    check(
        "cat /{sha{d,x}o,y} {}{a,b} ${HOME}{,c}",
        expect!["[cat] [/shado] [/shaxo] [/y] [{}a] [{}b] [${HOME}] [${HOME}c]"],
    );
    check(
        "cat /{a..c}{1..9} {a..} {a}",
        expect!["[cat] [/?*] [{a..}] [{a}]"],
    );
    check(
        "cat @(a|s'h'@(x)) /!(b)",
        expect![[r#"
        [cat] [a] [shx] [sh] [] [/b] [/*]
        [a]
        [shx] [sh]
        [x]
        [b]"#]],
    );
}
