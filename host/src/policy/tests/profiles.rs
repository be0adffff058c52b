//! The shipped profiles: defaults, and the credential rules they share.

use super::*;

#[test]
fn every_profile_reads_and_is_what_it_says() {
    for profile in Profile::ALL {
        let policy = Policy::shipped(profile, Path::new(HOME)).unwrap();
        assert_eq!(policy.profile(), profile);
        assert_eq!(policy.rules().len(), 2);
        assert_eq!(
            Policy::builtin(profile, Path::new(HOME)).version(),
            policy.version()
        );
    }
}

#[test]
fn credentials_are_denied_to_calls_and_requests() {
    for (profile, expect) in [
        ("balanced", "deny "),
        ("strict", "deny "),
        ("monitor", "log "),
    ] {
        let would = if profile == "monitor" {
            " would deny"
        } else {
            ""
        };
        let call = format!("{expect}credentials{would}");
        let read = format!("{expect}credential-requests{would}");
        check(profile, &[], "tool-call path=/k cred", &call);
        check(profile, &[], "tool-call path=/tmp path=/k cred", &call);
        check(profile, &[], "guard-check path=/k cred", &call);
        check(
            profile,
            &[],
            "resources/read method=resources/read path=/k cred",
            &read,
        );
        check(
            profile,
            &[],
            "resources/subscribe method=resources/subscribe path=/k cred",
            &read,
        );
        for asks in [
            "prompts/get method=prompts/get path=/k cred",
            "vendor/readFile method=vendor/readFile path=/k cred",
        ] {
            check(profile, &[], asks, &read);
        }
        let completes = "completion method=completion/complete path=/k cred";
        check(profile, &[], completes, &call);
    }
    check(
        "balanced",
        &[],
        "tool-call path=/k",
        "allow default:balanced",
    );
    for tells in [
        "a/b method=initialize path=/k cred",
        "a/b method=roots/list path=/k cred",
        "a/b method=elicitation/create path=/k cred",
        "prompts/get method=prompts/get path=/k",
    ] {
        check("balanced", &[], tells, "allow default:balanced");
    }
    check(
        "balanced",
        &[],
        "tool-result path=/k cred",
        "allow default:balanced",
    );
    check(
        "balanced",
        &[],
        "resources/read method=resources/read path=/k",
        "allow default:balanced",
    );
}

#[test]
fn strict_asks_for_what_acts() {
    for acts in [
        "tool-call",
        "guard-check",
        "server-launch",
        "sampling to-client",
        "elicitation to-client",
        "resources/read method=resources/read",
        "resources/subscribe method=resources/subscribe",
        "resource-content to-server method=resources/read",
        "tasks/cancel",
        "x-vendor/delete_everything",
        "notifications/x-vendor",
    ] {
        check("strict", &[], acts, "ask default:strict");
        check("balanced", &[], acts, "allow default:balanced");
        check("monitor", &[], acts, "log default:monitor");
    }
}

#[test]
fn strict_lets_plumbing_and_information_through() {
    for informs in [
        "tool-result",
        "tool-definition",
        "prompt-definition",
        "resource-definition",
        "server-instructions",
        "resource-content method=resources/read",
        "prompt-content",
        "completion",
        "notice",
        "sampling to-server",
        "elicitation to-server",
        "initialize",
        "server/discover",
        "ping",
        "tools/list",
        "prompts/list",
        "prompts/get",
        "resources/list",
        "resources/templates/list",
        "completion/complete",
        "logging/setLevel",
        "roots/list",
        "notifications/initialized",
        "notifications/cancelled",
        "notifications/progress",
        "notifications/tools/list_changed",
    ] {
        check("strict", &[], informs, "allow default:strict");
    }
}

#[test]
fn monitor_blocks_nothing_and_says_what_it_would_have_done() {
    let rule = |action: &str| format!(r#"id="r", action="{action}", match={{tool="t"}}"#);
    check("monitor", &[&rule("deny")], "tool-call", "log r would deny");
    check("monitor", &[&rule("ask")], "tool-call", "log r would ask");
    check(
        "monitor",
        &[&rule("redact")],
        "tool-result text=x",
        "log r would redact",
    );
    check(
        "monitor",
        &[&rule("redact")],
        "tool-call",
        "log r would deny",
    );
    check("monitor", &[&rule("log")], "tool-call", "log r");
    check("monitor", &[&rule("allow")], "tool-call", "log r");
    check(
        "monitor",
        &[&rule("deny")],
        "tool-call tool=u",
        "log default:monitor",
    );
}

#[test]
fn the_version_changes_with_anything_that_can_change_an_answer() {
    let version = |text: &str, home: &str| {
        Policy::parse(text, "policy.toml", Path::new(home))
            .unwrap()
            .version()
            .to_owned()
    };
    let base = "version = 1\nprofile = \"balanced\"\n";
    let first = version(base, HOME);
    assert_eq!(first.len(), 64);
    assert_eq!(first, version(base, HOME));
    assert_ne!(first, version(&base.replace("balanced", "strict"), HOME));
    assert_ne!(
        first,
        version(&format!("{base}[servers.a]\non_fault = \"allow\"\n"), HOME)
    );
    assert_ne!(first, version(base, "/home/v"));
}

/// Every combination of two rules and a finding: adding anything never makes the answer milder,
/// save that a rule may stand in for the default.
#[test]
fn more_rules_and_findings_never_make_a_decision_milder() {
    let actions = ["allow", "log", "ask", "deny"];
    let rule =
        |id: &str, action: &str| format!(r#"id="{id}", action="{action}", match={{tool="t"}}"#);
    for profile in ["balanced", "strict"] {
        for one in actions {
            let alone = policy(profile, &[&rule("one", one)]);
            for two in actions {
                let both = policy(profile, &[&rule("one", one), &rule("two", two)]);
                for severity in ["info", "low", "medium", "high", "critical"] {
                    let (event, findings) = scene(&format!("tool-call finding=x:{severity}:90"));
                    let least = decide(&alone, &event, &[]).action;
                    assert!(decide(&both, &event, &[]).action >= least);
                    assert!(decide(&alone, &event, &findings).action >= least);
                    let all = decide(&both, &event, &findings).action;
                    assert!(all >= decide(&both, &event, &[]).action);
                    assert!(all >= decide(&alone, &event, &findings).action);
                }
            }
        }
    }
}
