//! Deferred answers are what they would have been at once.

use super::*;

#[test]
fn a_deferred_result_is_seen_like_a_direct_one() {
    result(
        "tasks/get",
        r#"{"taskId":"1","status":"completed","result":{"content":[{"type":"text","text":"t"}]}}"#,
        expect![[r#"
            c1 "asked" notice
              Token /result/taskId 1
              Other("protocol") /result/status completed
            c1.1 "asked" tool-result
              Other("protocol") /result/result/content/0/type text
              Content /result/result/content/0/text t"#]],
    );
    result(
        "tasks/result",
        r#"{"content":[{"type":"text","text":"t"}]}"#,
        expect![[r#"
            c1 "asked" tool-result
              Other("protocol") /result/content/0/type text
              Content /result/content/0/text t"#]],
    );
    let places = places();
    let ctx = context(&places);
    let status = node(r#"{"taskId":"1","error":{"code":1,"message":"e"}}"#);
    let told = |task: Option<&Asked>| {
        lines(&of_notification(
            &ctx,
            "notifications/tasks",
            Some(&status),
            task,
        ))
    };
    expect![[r#"
        c1 "" notice
          Token /params/taskId 1
        c1.1 "" tool-result
          Error /params/error/message e"#]]
    .assert_eq(&told(None));
    expect![[r#"
        c1 "asked" notice
          Token /params/taskId 1
        c1.1 "asked" tool-result
          Error /params/error/message e"#]]
    .assert_eq(&told(Some(&asked("tools/call"))));
}

#[test]
fn a_task_answers_what_its_request_asked() {
    let places = places();
    let ctx = context(&places);
    let of = |method: &str, deferred: &str, json: &str| {
        let asked = Asked {
            deferred: Some(deferred.into()),
            ..asked(method)
        };
        lines(&of_result(&ctx, &asked, &node(json)))
    };
    expect![[r#"
        c1 "asked" tool-result
          Other("protocol") /result/content/0/type new"#]]
    .assert_eq(&of(
        "tasks/result",
        "tools/call",
        r#"{"content":[{"type":"new"}]}"#,
    ));
    expect![[r#"
        c1 "asked" sampling
          Other("protocol") /result/role assistant
          Other("protocol") /result/content/type text
          Content /result/content/text x"#]]
    .assert_eq(&of(
        "tasks/result",
        "sampling/createMessage",
        r#"{"role":"assistant","content":{"type":"text","text":"x"}}"#,
    ));
    expect![[r#"
        c1 "asked" notice
          Other("protocol") /result/status completed
        c1.1 "asked" elicitation
          Other("protocol") /result/result/action accept
          Key /result/result/content/pin pin
          Argument /result/result/content/pin 1"#]]
    .assert_eq(&of(
        "tasks/get",
        "elicitation/create",
        r#"{"status":"completed","result":{"action":"accept","content":{"pin":"1"}}}"#,
    ));
}
