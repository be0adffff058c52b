//! The desk under patience, impatience and floods. Time is paused: it moves only while all wait.

mod approver;
mod flood;

use std::time::Duration;

use serde_json::json;

use super::*;

const HOLD: Duration = Duration::from_secs(50);
const MINUTE: Duration = Duration::from_secs(60);

/// Process 20 is a client; 22 its grandchild; 30 stands beside it; 99 can't be found.
struct Table;

impl Processes for Table {
    fn parent(&self, pid: u32) -> Option<u32> {
        [(10, 1), (20, 10), (21, 20), (22, 21), (30, 10)]
            .into_iter()
            .find(|(child, _)| *child == pid)
            .map(|(_, parent)| parent)
    }

    fn started(&self, pid: u32) -> Option<u64> {
        self.parent(pid).map(|_| 0)
    }

    fn can_tell(&self) -> bool {
        true
    }
}

fn desk() -> Desk {
    desk_with(DeskLimits::default())
}

fn desk_with(limits: DeskLimits) -> Desk {
    Desk::new(limits, Table)
}

fn scope(arguments: &str) -> Scope {
    Scope {
        client: "editor".to_owned(),
        server: "files".to_owned(),
        tool: "write_file".to_owned(),
        arguments_sha256: arguments.to_owned(),
        policy_version: "v1".to_owned(),
    }
}

fn question(arguments: &str) -> Question {
    question_of("files", arguments)
}

fn question_of(server: &str, arguments: &str) -> Question {
    Question {
        at_ms: 0,
        client: "editor".to_owned(),
        server: server.to_owned(),
        package: None,
        tool: "write_file".to_owned(),
        kind: "tool-call".to_owned(),
        sentence: "runs a tool".to_owned(),
        arguments: json!({ "path": arguments }),
        rule: "writes".to_owned(),
        reason: "writes a file".to_owned(),
        findings: Vec::new(),
        scope: Scope {
            server: server.to_owned(),
            ..scope(arguments)
        },
    }
}

fn person() -> Approver {
    Approver {
        door: "terminal".to_owned(),
        user: "ada".to_owned(),
        pid: Some(30),
    }
}

fn only_id(desk: &Desk) -> String {
    let listed = desk.list();
    assert_eq!(listed.len(), 1);
    listed[0].id.clone()
}

fn wait(ticket: Ticket) -> tokio::task::JoinHandle<Outcome> {
    tokio::spawn(ticket.wait(HOLD))
}

/// Asks, times out, and returns the missed question's id.
async fn miss(desk: &Desk, arguments: &str) -> String {
    let ticket = desk.ask(question(arguments));
    let id = ticket.id().unwrap().to_owned();
    assert_eq!(ticket.wait(HOLD).await, Outcome::TimedOut);
    id
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_can_not_be_recorded_changes_nothing() {
    let desk = desk();
    let ticket = desk.ask(question("a"));
    let id = ticket.id().unwrap().to_owned();
    let waiting = wait(ticket);
    tokio::task::yield_now().await;
    for answer in [
        Answer::Deny,
        Answer::AllowOnce,
        Answer::AllowFor { duration: MINUTE },
    ] {
        let refused = desk.answer_once_recorded(&id, answer, person(), |asked| {
            assert_eq!(asked.tool, "write_file");
            false
        });
        assert_eq!(refused, Err(AnswerError::NotRecorded));
    }
    assert_eq!((only_id(&desk), desk.grants().len()), (id.clone(), 0));
    assert!(!waiting.is_finished());
    // What is refused anyway is not recorded as an answer, and a later one counts.
    let unknown = desk.answer_once_recorded("none", Answer::Deny, person(), |_| unreachable!());
    assert_eq!(unknown, Err(AnswerError::Unknown));
    let answered = desk.answer_once_recorded(&id, Answer::AllowOnce, person(), |_| true);
    assert_eq!(answered.unwrap().reached, 1);
    assert!(matches!(waiting.await.unwrap(), Outcome::Allowed { .. }));
    let again = desk.answer_once_recorded(&id, Answer::Deny, person(), |_| unreachable!());
    assert!(matches!(again, Err(AnswerError::AlreadyAnswered { .. })));
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_time_reaches_the_message_and_leaves_nothing_behind() {
    let desk = desk();
    let waiting = wait(desk.ask(question("a")));
    let id = only_id(&desk);
    let answered = desk.answer(&id, Answer::AllowOnce, person()).unwrap();
    assert_eq!((answered.reached, answered.kept), (1, None));
    let Outcome::Allowed { grant } = waiting.await.unwrap() else {
        panic!("not allowed")
    };
    assert_eq!(
        (grant.id, grant.scope, grant.by),
        (id, scope("a"), person())
    );
    assert!(desk.list().is_empty());
    assert_eq!(desk.take_grant(&scope("a")), None);
}

#[tokio::test(start_paused = true)]
async fn a_denial_is_for_this_once() {
    let desk = desk();
    let waiting = wait(desk.ask(question("a")));
    desk.answer(&only_id(&desk), Answer::Deny, person())
        .unwrap();
    assert_eq!(waiting.await.unwrap(), Outcome::Denied { by: person() });
    assert!(desk.list().is_empty());

    let again = wait(desk.ask(question("a")));
    desk.answer(&only_id(&desk), Answer::AllowOnce, person())
        .unwrap();
    assert!(matches!(again.await.unwrap(), Outcome::Allowed { .. }));
}

#[tokio::test(start_paused = true)]
async fn silence_denies_after_the_hold_and_not_before() {
    let desk = desk();
    let started = tokio::time::Instant::now();
    let id = miss(&desk, "a").await;
    assert_eq!(started.elapsed(), HOLD);
    let listed = desk.list();
    assert!(listed[0].missed && listed[0].id == id);
    assert_eq!(desk.take_grant(&scope("a")), None);
}

#[tokio::test(start_paused = true)]
async fn without_anyone_to_answer_the_question_is_listed_as_missed() {
    let desk = desk();
    assert_eq!(
        desk.ask(question("a")).wait(Duration::ZERO).await,
        Outcome::TimedOut
    );
    assert!(desk.list()[0].missed);
}

#[tokio::test(start_paused = true)]
async fn a_late_allow_lets_exactly_one_retry_pass() {
    let desk = desk();
    let id = miss(&desk, "a").await;
    let answered = desk.answer(&id, Answer::AllowOnce, person()).unwrap();
    assert_eq!(
        (answered.reached, answered.kept.map(|grant| grant.uses)),
        (0, Some(Uses::Once))
    );
    assert_eq!(desk.take_grant(&scope("a")).map(|grant| grant.id), Some(id));
    assert_eq!(desk.take_grant(&scope("a")), None);
}

#[tokio::test(start_paused = true)]
async fn a_late_deny_leaves_no_grant() {
    let desk = desk();
    let id = miss(&desk, "a").await;
    assert_eq!(desk.answer(&id, Answer::Deny, person()).unwrap().kept, None);
    assert_eq!(desk.take_grant(&scope("a")), None);
    assert!(desk.list().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_late_allow_expires() {
    let desk = desk();
    let id = miss(&desk, "a").await;
    desk.answer(&id, Answer::AllowOnce, person()).unwrap();
    tokio::time::advance(10 * MINUTE).await;
    assert_eq!(desk.take_grant(&scope("a")), None);
    assert!(desk.grants().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_grant_is_for_nothing_but_its_scope() {
    let change: [fn(&mut Scope); 5] = [
        |scope| scope.client = "other".to_owned(),
        |scope| scope.server = "other".to_owned(),
        |scope| scope.tool = "*".to_owned(),
        |scope| scope.arguments_sha256 = "b".to_owned(),
        |scope| scope.policy_version = "v2".to_owned(),
    ];
    let desk = desk();
    let id = miss(&desk, "a").await;
    desk.answer(&id, Answer::AllowFor { duration: MINUTE }, person())
        .unwrap();
    for change in change {
        let mut other = scope("a");
        change(&mut other);
        assert_eq!(desk.take_grant(&other), None, "{other:?}");
    }
    assert!(desk.take_grant(&scope("a")).is_some());
}

#[tokio::test(start_paused = true)]
async fn allow_for_a_time_repeats_until_then() {
    let desk = desk();
    let waiting = wait(desk.ask(question("a")));
    let answer = Answer::AllowFor { duration: MINUTE };
    let answered = desk.answer(&only_id(&desk), answer, person()).unwrap();
    assert_eq!(answered.reached, 1);
    assert!(matches!(waiting.await.unwrap(), Outcome::Allowed { .. }));
    for _ in 0..3 {
        assert_eq!(
            desk.take_grant(&scope("a")).map(|grant| grant.uses),
            Some(Uses::Timed)
        );
    }
    tokio::time::advance(MINUTE).await;
    assert_eq!(desk.take_grant(&scope("a")), None);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_grant_is_gone() {
    let desk = desk();
    let id = miss(&desk, "a").await;
    desk.answer(&id, Answer::AllowFor { duration: MINUTE }, person())
        .unwrap();
    assert_eq!(desk.revoke(&id).map(|grant| grant.scope), Some(scope("a")));
    assert_eq!(desk.revoke(&id), None);
    assert_eq!(desk.take_grant(&scope("a")), None);
}

#[tokio::test(start_paused = true)]
async fn a_grant_lasts_between_a_second_and_the_limit() {
    let desk = desk();
    let id = miss(&desk, "a").await;
    for duration in [Duration::ZERO, Duration::MAX, 25 * 60 * MINUTE] {
        let refused = desk.answer(&id, Answer::AllowFor { duration }, person());
        assert!(
            matches!(refused, Err(AnswerError::BadDuration { .. })),
            "{duration:?}"
        );
    }
    assert_eq!(desk.list().len(), 1);
    assert!(
        desk.answer(
            &id,
            Answer::AllowFor {
                duration: 24 * 60 * MINUTE
            },
            person()
        )
        .is_ok()
    );
}

#[tokio::test(start_paused = true)]
async fn the_same_call_asked_twice_is_one_question_and_once_is_for_the_first() {
    let desk = desk();
    let first = wait(desk.ask(question("a")));
    let second = wait(desk.ask(question("a")));
    let listed = desk.list();
    assert_eq!((listed.len(), listed[0].asked), (1, 2));
    let id = &listed[0].id;
    let answered = desk.answer(id, Answer::AllowOnce, person()).unwrap();
    assert_eq!((answered.reached, answered.kept), (1, None));
    assert!(matches!(first.await.unwrap(), Outcome::Allowed { .. }));

    // The second is asked about anew, and no answer to the old question reaches it.
    let again = answered.asked_again.unwrap();
    assert_eq!(
        (desk.list()[0].missed, only_id(&desk)),
        (false, again.clone())
    );
    assert!(matches!(
        desk.answer(id, Answer::AllowOnce, person()),
        Err(AnswerError::AlreadyAnswered { .. })
    ));
    assert_eq!(second.await.unwrap(), Outcome::TimedOut);
    assert!(desk.list()[0].missed);
    desk.answer(&again, Answer::AllowOnce, person()).unwrap();
    assert!(desk.take_grant(&scope("a")).is_some());
}

#[tokio::test(start_paused = true)]
async fn every_waiter_gets_a_denial_and_an_allowance_for_a_time() {
    let hour = Answer::AllowFor {
        duration: 60 * MINUTE,
    };
    for answer in [Answer::Deny, hour] {
        let desk = desk();
        let waiters = [wait(desk.ask(question("a"))), wait(desk.ask(question("a")))];
        let answered = desk.answer(&only_id(&desk), answer, person()).unwrap();
        assert_eq!((answered.reached, answered.asked_again), (2, None));
        for waiter in waiters {
            let allowed = matches!(waiter.await.unwrap(), Outcome::Allowed { .. });
            assert_eq!(allowed, answer == hour);
        }
        assert!(desk.list().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn other_arguments_are_another_question() {
    let desk = desk();
    let (one, _two) = (desk.ask(question("a")), desk.ask(question("b")));
    assert_eq!(desk.list().len(), 2);
    let id = one.id().unwrap().to_owned();
    desk.answer(&id, Answer::AllowOnce, person()).unwrap();
    assert!(matches!(one.wait(HOLD).await, Outcome::Allowed { .. }));
    assert_eq!(desk.list().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_retry_of_a_missed_question_waits_on_the_same_one() {
    let desk = desk();
    let id = miss(&desk, "a").await;
    let retry = desk.ask(question("a"));
    assert_eq!(retry.id(), Some(id.as_str()));
    assert!(!desk.list()[0].missed);
    let answered = desk.answer(&id, Answer::AllowOnce, person()).unwrap();
    assert_eq!((answered.reached, answered.kept), (1, None));
    assert!(matches!(retry.wait(HOLD).await, Outcome::Allowed { .. }));
}

#[tokio::test(start_paused = true)]
async fn one_waiter_leaving_does_not_make_the_other_miss() {
    let desk = desk();
    let first = desk.ask(question("a"));
    let second = wait(desk.ask(question("a")));
    drop(first);
    let listed = desk.list();
    assert!(!listed[0].missed);
    desk.answer(&listed[0].id, Answer::AllowOnce, person())
        .unwrap();
    assert!(matches!(second.await.unwrap(), Outcome::Allowed { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_leaves_its_question_answerable() {
    let desk = desk();
    let waiting = wait(desk.ask(question("a")));
    tokio::task::yield_now().await;
    waiting.abort();
    assert!(waiting.await.is_err());
    assert!(desk.list()[0].missed);
    desk.answer(&only_id(&desk), Answer::AllowOnce, person())
        .unwrap();
    assert!(desk.take_grant(&scope("a")).is_some());
}

#[tokio::test(start_paused = true)]
async fn an_answer_before_anyone_waits_is_not_lost() {
    let desk = desk();
    let ticket = desk.ask(question("a"));
    desk.answer(&only_id(&desk), Answer::AllowOnce, person())
        .unwrap();
    assert!(matches!(
        ticket.wait(Duration::ZERO).await,
        Outcome::Allowed { .. }
    ));
}

#[tokio::test(start_paused = true)]
async fn the_first_answer_wins_and_the_second_learns_who_it_was() {
    let desk = desk();
    let id = miss(&desk, "a").await;
    desk.answer(&id, Answer::Deny, person()).unwrap();
    let late = Approver {
        door: "dashboard".to_owned(),
        ..person()
    };
    let refused = desk.answer(&id, Answer::AllowOnce, late);
    let first = AnswerError::AlreadyAnswered {
        answer: Answer::Deny,
        by: person(),
    };
    assert_eq!(refused, Err(first));
    assert_eq!(desk.take_grant(&scope("a")), None);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_question_takes_no_answer() {
    let desk = desk();
    assert_eq!(
        desk.answer("000000", Answer::AllowOnce, person()),
        Err(AnswerError::Unknown)
    );
    assert!(desk.grants().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_message_is_told_so_and_the_last_takes_the_question_along() {
    let desk = desk();
    let (one, other) = (desk.ask(question("a")), desk.ask(question("a")));
    let id = only_id(&desk);
    let names = [&one, &other].map(|ticket| ticket.waiter().unwrap().to_owned());
    let (one, other) = (wait(one), wait(other));
    assert!(!desk.withdraw(&id), "a question is nobody who waits");
    assert!(desk.withdraw(&names[0]));
    assert!(!desk.withdraw(&names[0]));
    assert_eq!(one.await.unwrap(), Outcome::Withdrawn);
    assert_eq!(only_id(&desk), id, "the other still waits");
    assert!(desk.withdraw(&names[1]));
    assert_eq!(other.await.unwrap(), Outcome::Withdrawn);
    assert!(desk.list().is_empty());
    assert_eq!(
        desk.answer(&id, Answer::AllowOnce, person()),
        Err(AnswerError::Unknown)
    );
}

#[test]
fn what_an_attacker_wrote_stays_in_its_own_field() {
    let mut asked = question("a");
    asked.tool = "\u{1b}[2J\"approve\"".to_owned();
    let listed = Listed {
        id: "c7f2qq".to_owned(),
        missed: false,
        asked: 1,
        refused: 0,
        question: asked,
    };
    let json = serde_json::to_value(&listed).unwrap();
    assert_eq!(json["tool"], "\u{1b}[2J\"approve\"");
    assert_eq!(json["sentence"], "runs a tool");
    assert_eq!(json["scope"]["arguments_sha256"], "a");
}

#[test]
fn answers_are_read_from_json_and_nothing_else_is() {
    let read = |text: &str| serde_json::from_str::<Answer>(text).ok();
    let hour = Answer::AllowFor {
        duration: 60 * MINUTE,
    };
    assert_eq!(read(r#"{"answer":"deny"}"#), Some(Answer::Deny));
    assert_eq!(read(r#"{"answer":"allow-once"}"#), Some(Answer::AllowOnce));
    assert_eq!(read(r#"{"answer":"allow-for","seconds":3600}"#), Some(hour));
    assert_eq!(read(r#"{"answer":"allow-for"}"#), None);
    assert_eq!(read(r#"{"answer":"allow-for","seconds":-1}"#), None);
    assert_eq!(read(r#"{"answer":"always"}"#), None);
}
