//! Each criterion alone: what it hits and its nearest miss.

use super::*;

#[test]
fn server_and_tool_names_match_whole_or_by_glob() {
    hits(r#"server="github""#, "tool-call server=github");
    misses(r#"server="github""#, "tool-call server=github2");
    misses(r#"server="github""#, "tool-call server=GitHub");
    hits(r#"server="git*""#, "tool-call server=github");
    hits(r#"server=["a","github"]"#, "tool-call server=github");
    misses(r#"server=["a","b"]"#, "tool-call server=github");
    hits(r#"tool="write_*""#, "tool-call tool=write_file");
    misses(r#"tool="write_*""#, "tool-call tool=overwrite_file");
    hits(r#"tool="*""#, "tool-call tool=ns/write");
    hits(r#"tool="ns*write""#, "tool-call tool=ns/deep/write");
    hits(r#"tool="[rw]m""#, "tool-call tool=rm");
    misses(r#"tool="[rw]m""#, "tool-call tool=xm");
    hits(r#"tool="{rm,mv}""#, "tool-call tool=mv");
    misses(r#"tool="{rm,mv}""#, "tool-call tool=cp");
    hits(r#"tool="?x""#, "tool-call tool=ax");
    hits(r#"tool='\*'"#, "tool-call tool=*");
    misses(r#"tool='\*'"#, "tool-call tool=x");
}

#[test]
fn a_tool_is_the_name_of_a_tool_and_not_of_a_prompt_or_resource() {
    hits(r#"tool="x""#, "tool-result tool=x");
    hits(r#"tool="x""#, "tool-definition tool=x");
    hits(r#"tool="x""#, "guard-check tool=x");
    misses(r#"tool="x""#, "prompt-content name=x");
    misses(r#"tool="x""#, "resource-content name=x");
}

#[test]
fn kind_direction_and_method_are_exact_words() {
    hits(r#"kind="sampling""#, "sampling");
    misses(r#"kind="sampling""#, "elicitation");
    hits(r#"kind=["sampling","elicitation"]"#, "elicitation");
    hits(r#"direction="to-client""#, "tool-result");
    misses(r#"direction="to-client""#, "tool-call");
    hits(r#"direction="local""#, "server-launch");
    misses(r#"direction="local""#, "tool-call");
    hits(r#"method="tools/call""#, "tool-call method=tools/call");
    misses(r#"method="tools/call""#, "tool-call method=tools/list");
    hits(r#"method="tasks/*""#, "tasks/cancel method=tasks/cancel");
    misses(r#"method="tasks/*""#, "tools/list method=tools/list");
}

#[test]
fn one_star_is_one_level_and_two_are_any_depth() {
    hits(r#"path="/a/*""#, "tool-call path=/a/b");
    misses(r#"path="/a/*""#, "tool-call path=/a/b/c");
    misses(r#"path="/a/*""#, "tool-call path=/a");
    hits(r#"path="/a/**""#, "tool-call path=/a/b/c");
    hits(r#"path="/a/**/d""#, "tool-call path=/a/b/c/d");
    hits(r#"path="/a/**/d""#, "tool-call path=/a/d");
    misses(r#"path="/a/**/d""#, "tool-call path=/a/b/c/e");
    hits(r#"path="**""#, "tool-call path=/any/thing");
    misses(r#"path="**""#, "tool-call host=a.example");
}

#[test]
fn a_directory_rule_includes_the_directory_and_not_its_namesakes() {
    hits(r#"path="/a/**""#, "tool-call path=/a");
    misses(r#"path="/a/**""#, "tool-call path=/ab");
    misses(r#"path="/a/**""#, "tool-call path=/ab/c");
    misses(r#"path="/a/**""#, "tool-call path=/x/a/c");
    hits(r#"path="/a/""#, "tool-call path=/a");
    hits(r#"path="**/.ssh/**""#, "tool-call path=/srv/x/.ssh");
    hits(r#"path="**/.ssh/**""#, "tool-call path=/srv/x/.ssh/keys/id");
    misses(r#"path="**/.ssh/**""#, "tool-call path=/srv/x.ssh/id");
}

#[test]
fn tilde_is_the_home_directory_and_nothing_else() {
    hits(r#"path="~/.ssh/**""#, "tool-call path=/home/u/.ssh/id_rsa");
    misses(r#"path="~/.ssh/**""#, "tool-call path=/home/v/.ssh/id_rsa");
    misses(
        r#"path="~/.ssh/**""#,
        "tool-call path=/srv/home/u/.ssh/id_rsa",
    );
    hits(r#"path="~/**""#, "tool-call path=/home/u");
    hits(r#"path="~""#, "tool-call path=/home/u");
    misses(r#"path="~""#, "tool-call path=/home/u/x");
    hits(r#"path="/a/~x""#, "tool-call path=/a/~x");
}

#[test]
fn a_home_directory_with_wildcards_in_its_name_is_meant_as_it_is() {
    let text = r#"version = 1
profile = "balanced"
rule = [{ id="r", action="deny", match={path="~/x"} }]"#;
    let policy = Policy::parse(text, "policy.toml", Path::new("/home/[ab]*")).unwrap();
    assert_eq!(answer(&policy, "tool-call path=/home/[ab]*/x"), "deny r");
    assert_eq!(
        answer(&policy, "tool-call path=/home/a/x"),
        "allow default:balanced"
    );
}

#[test]
fn files_are_named_by_suffix_or_name_anywhere() {
    hits(r#"path="**/.env""#, "tool-call path=/p/q/.env");
    hits(r#"path="**/.env""#, "tool-call path=/.env");
    misses(r#"path="**/.env""#, "tool-call path=/p/q/x.env");
    misses(r#"path="**/.env""#, "tool-call path=/p/.env/x");
    hits(r#"path="**/*.pem""#, "tool-call path=/p/a.b.pem");
    misses(r#"path="**/*.pem""#, "tool-call path=/p/a.pem.txt");
    hits(r#"path="/a/**/*.{key,pem}""#, "tool-call path=/a/b/x.key");
    hits(r#"path="/a/.b*""#, "tool-call path=/a/.bashrc");
    hits(r#"path="C:/Users/**""#, "tool-call path=C:/Users/u/x");
}

#[test]
fn a_decoy_beside_the_real_path_hides_nothing() {
    hits(
        r#"path="~/.ssh/**""#,
        "tool-call path=/tmp/x path=/home/u/.ssh/id",
    );
    hits(
        r#"path="~/.ssh/**""#,
        "tool-call path=/home/u/.ssh/id path=/tmp/x",
    );
    misses(r#"path="~/.ssh/**""#, "tool-call path=/tmp/x path=/tmp/y");
}

#[test]
fn another_spelling_of_a_path_is_enough_to_block() {
    hits(
        r#"path="~/.ssh/**""#,
        "tool-call path=/data/keys/id alias=/home/u/.ssh/id",
    );
    hits(
        r#"path="/data/keys/**""#,
        "tool-call path=/data/keys/id alias=/home/u/.ssh/id",
    );
    misses(
        r#"path="~/.ssh/**""#,
        "tool-call path=/data/keys/id alias=/home/u/ssh/id",
    );
}

#[test]
fn hosts_match_by_label_and_never_by_substring() {
    hits(r#"host="evil.example""#, "tool-call host=evil.example");
    misses(r#"host="evil.example""#, "tool-call host=notevil.example");
    misses(r#"host="evil.example""#, "tool-call host=evil.example.org");
    misses(r#"host="evil.example""#, "tool-call host=a.evil.example");
    hits(r#"host="*.evil.example""#, "tool-call host=a.evil.example");
    hits(
        r#"host="*.evil.example""#,
        "tool-call host=a.b.evil.example",
    );
    misses(r#"host="*.evil.example""#, "tool-call host=evil.example");
    misses(r#"host="*.evil.example""#, "tool-call host=notevil.example");
    misses(
        r#"host="*.evil.example""#,
        "tool-call host=a.evil.example.org",
    );
    for (pattern, host) in [
        ("xn--bcher-kva.example", "bücher.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("*.münchen.example", "a.xn--mnchen-3ya.example"),
        ("BÜCHER2.example", "bücher2.example"),
    ] {
        let rule = format!("host={pattern:?}");
        hits(&rule, &format!("tool-call host={host}"));
        misses(&rule, "tool-call host=bucher.example");
        misses(&rule, "tool-call host=münchen.example");
    }
    hits(r#"host="EVIL.example""#, "tool-call host=evil.Example");
    hits(r#"host="evil.example.""#, "tool-call host=evil.example");
    hits(r#"host="evil.example""#, "tool-call host=evil.example.");
    hits(r#"host="*""#, "tool-call host=any.example");
    misses(r#"host="*""#, "tool-call path=/a");
    hits(r#"host="10.0.0.1""#, "tool-call host=10.0.0.1");
    misses(r#"host="10.0.0.1""#, "tool-call host=10.0.0.10");
    hits(r#"host="::1""#, "tool-call host=0:0:0:0:0:0:0:1");
    hits(r#"host="[::1]""#, "tool-call host=::1");
    misses(r#"host="::1""#, "tool-call host=::2");
}

#[test]
fn commands_are_program_names() {
    hits(r#"command="curl""#, "tool-call cmd=curl");
    misses(r#"command="curl""#, "tool-call cmd=curlew");
    hits(r#"command=["wget","curl"]"#, "tool-call cmd=ls cmd=curl");
    misses(r#"command=["wget","curl"]"#, "tool-call cmd=ls");
    hits(r#"command="python*""#, "tool-call cmd=python3.12");
    misses(r#"command="curl""#, "tool-call path=/usr/bin/curl");
}

#[test]
fn packages_match_with_or_without_their_version() {
    hits(r#"package="npm:left""#, "server-launch pkg=npm:left@1.0.0");
    hits(
        r#"package="npm:left@1.0.0""#,
        "server-launch pkg=npm:left@1.0.0",
    );
    misses(
        r#"package="npm:left@1.0.0""#,
        "server-launch pkg=npm:left@1.0.1",
    );
    misses(
        r#"package="npm:left""#,
        "server-launch pkg=npm:leftpad@1.0.0",
    );
    misses(r#"package="npm:left""#, "server-launch pkg=pypi:left@1.0.0");
    hits(
        r#"package="npm:@s/left""#,
        "server-launch pkg=npm:@s/left@1.0.0",
    );
    hits(r#"package="npm:@s/left""#, "server-launch pkg=npm:@s/left");
    hits(r#"package="npm:@s/*""#, "server-launch pkg=npm:@s/left@2");
    misses(r#"package="npm:@s/*""#, "server-launch pkg=npm:@t/left@2");
    hits(r#"package="npm:left""#, "tool-call package=npm:left@1.0.0");
    misses(r#"package="npm:left""#, "tool-call package=npm:right@1.0.0");
}

#[test]
fn accounts_match_by_glob() {
    hits(
        r#"account="*@evil.example""#,
        "tool-call acct=x@evil.example",
    );
    misses(
        r#"account="*@evil.example""#,
        "tool-call acct=x@good.example",
    );
    misses(r#"account="*@evil.example""#, "tool-call host=evil.example");
    hits(
        r#"account="*@Evil.example""#,
        "tool-call acct=X@eVil.example",
    );
}

#[test]
fn arguments_are_found_by_name_at_any_depth() {
    hits(r#"argument={mode="force"}"#, "tool-call arg.mode=force");
    misses(r#"argument={mode="force"}"#, "tool-call arg.mode=forced");
    misses(r#"argument={mode="force"}"#, "tool-call arg.other=force");
    hits(
        r#"argument={mode="force"}"#,
        "tool-call arg.options/mode=force",
    );
    hits(
        r#"argument={mode="force"}"#,
        "tool-call arg.mode/0=soft arg.mode/1=force",
    );
    hits(r#"argument={mode=["a*","f*"]}"#, "tool-call arg.mode=force");
    misses(r#"argument={mode="force"}"#, "tool-call arg.xmode=force");
    hits(r#"argument={"a/b"="x"}"#, "tool-call arg.a~1b=x");
    misses(r#"argument={"a/b"="x"}"#, "tool-call arg.a/b=x");
    hits(
        r#"argument={url="*evil*"}"#,
        "tool-call arg.url=https://evil/a/b",
    );
}

#[test]
fn arguments_are_found_by_pointer_exactly() {
    hits(
        r#"argument={"/options/mode"="force"}"#,
        "tool-call arg.options/mode=force",
    );
    misses(
        r#"argument={"/mode"="force"}"#,
        "tool-call arg.options/mode=force",
    );
    hits(
        r#"argument={"/params/arguments/mode"="force"}"#,
        "tool-call arg.mode=force",
    );
    misses(r#"argument={"/mode"="force"}"#, "tool-result text=force");
}

#[test]
fn several_arguments_must_all_hold() {
    let both = r#"argument={mode="force", target="prod*"}"#;
    hits(both, "tool-call arg.mode=force arg.target=prod-1");
    misses(both, "tool-call arg.mode=force arg.target=test");
    misses(both, "tool-call arg.mode=force");
}

#[test]
fn a_key_that_some_servers_take_for_another_blocks_and_never_vouches() {
    hits(
        r#"argument={verb="delete*"}"#,
        "tool-call arg.Verb=delete_all",
    );
    misses(
        r#"argument={verb="delete*"}"#,
        "tool-call arg.verbs=delete_all",
    );
    let rule = r#"id="r", action="deny", match={tool="x"}, unless={argument={mode="dry"}}"#;
    check(
        "balanced",
        &[rule],
        "tool-call tool=x arg.mode=dry",
        "allow default:balanced",
    );
    check(
        "balanced",
        &[rule],
        "tool-call tool=x arg.mode=dry arg.MODE=real",
        "deny r",
    );
    check(
        "balanced",
        &[rule],
        "tool-call tool=x arg.MODE=dry",
        "deny r",
    );
}

#[test]
fn a_line_break_does_not_end_a_glob() {
    let (mut event, _) = scene("tool-call arg.sql=x");
    event.texts[0].original = "select 1;\nDROP table x".to_owned();
    let rule = r#"id="r", action="deny", match={argument={sql="*DROP*"}}"#;
    assert_eq!(decide(&policy("balanced", &[rule]), &event, &[]).rule, "r");
}

#[test]
fn a_property_name_is_not_an_argument() {
    let (mut event, _) = scene("tool-call arg.mode=force");
    event.texts[0].role = Role::Key;
    let rule = r#"id="r", action="deny", match={argument={mode="force"}}"#;
    assert_eq!(
        decide(&policy("balanced", &[rule]), &event, &[]).action,
        Action::Allow
    );
}

#[test]
fn credential_places_are_those_the_host_marked() {
    hits("credential=true", "server-launch path=/x cred");
    hits("credential=true", "server-launch path=/tmp path=/x cred");
    misses("credential=true", "server-launch path=/x");
    misses("credential=true", "server-launch");
    hits("credential=false", "server-launch path=/x");
    misses("credential=false", "server-launch path=/tmp path=/x cred");
}

#[test]
fn all_fields_must_hold_and_any_value_of_each() {
    let rule = r#"server=["a","b"], tool=["x","y"], path="/p/**""#;
    hits(rule, "tool-call server=b tool=x path=/p/q");
    misses(rule, "tool-call server=c tool=x path=/p/q");
    misses(rule, "tool-call server=b tool=z path=/p/q");
    misses(rule, "tool-call server=b tool=x path=/q");
    misses(rule, "tool-call server=b tool=x");
}

#[test]
fn a_person_is_asked_about_a_call_and_not_again_about_its_result() {
    let rule = r#"id="r", action="ask", match={tool="deploy"}"#;
    check("balanced", &[rule], "tool-call tool=deploy", "ask r");
    check("balanced", &[rule], "guard-check tool=deploy", "ask r");
    check(
        "balanced",
        &[rule],
        "tool-result tool=deploy",
        "allow default:balanced",
    );
    check(
        "balanced",
        &[rule],
        "tool-definition tool=deploy",
        "allow default:balanced",
    );
    let told = r#"id="r", action="ask", match={tool="deploy", kind="tool-result"}"#;
    check("balanced", &[told], "tool-result tool=deploy", "ask r");
    check(
        "balanced",
        &[told],
        "tool-call tool=deploy",
        "allow default:balanced",
    );
}

#[test]
fn what_a_shell_may_make_of_a_wildcard_accuses_and_does_not_vouch() {
    hits(r#"path="/etc/shadow""#, "tool-call path=/etc/sha*w wild");
    misses(r#"path="/etc/shadow""#, "tool-call path=/etc/sha*w");
    misses(r#"path="/etc/shadow""#, "tool-call path=/etc/pass* wild");
    hits(r#"path="/etc/**""#, "tool-call path=/e?c/passwd wild");
    hits(r#"command="curl""#, "tool-call cmd=c?rl wild");
    misses(r#"command="curl""#, "tool-call cmd=c?t wild");
    let deny = r#"id="r", action="deny", match={path="/w/**"}, unless={path="/w/open/*"}"#;
    check("balanced", &[deny], "tool-call path=/w/*/x wild", "deny r");
    check(
        "balanced",
        &[deny],
        "tool-call path=/w/open/a* wild",
        "allow default:balanced",
    );
}

#[test]
fn packages_are_matched_as_commands_are_read() {
    hits(
        r#"package="pypi:Flask_Foo""#,
        "tool-call pkg=pypi:flask-foo@1.0",
    );
    hits(
        r#"package="npm:Left-Pad@1.0.0""#,
        "tool-call pkg=npm:left-pad@1.0.0",
    );
    misses(
        r#"package="npm:left-pad@1.0.0""#,
        "tool-call pkg=npm:left-pad@1.0.1",
    );
    hits(r#"package="npm:left""#, "tool-call other=more-packages");
}

#[test]
fn more_wildcards_than_are_compared_are_the_worst() {
    let many = |count: usize| {
        let word = format!(" path=/srv/{}* wild", "x".repeat(990));
        format!("tool-call{}", word.repeat(count))
    };
    misses(r#"path="**/shadow""#, &many(60));
    hits(r#"path="**/shadow""#, &many(80));
}
