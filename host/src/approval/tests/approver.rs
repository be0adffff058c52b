//! Who may answer.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_agent_cannot_answer_itself() {
    let desk = desk();
    desk.guard(20);
    let id = miss(&desk, "a").await;
    for pid in [20, 22] {
        let agent = Approver {
            pid: Some(pid),
            ..person()
        };
        for answer in [Answer::AllowOnce, Answer::Deny] {
            let refused = desk.answer(&id, answer, agent.clone());
            assert_eq!(refused, Err(AnswerError::SelfApproval { pid: 20 }));
        }
    }
    assert_eq!(desk.take_grant(&scope("a")), None);
    assert!(desk.answer(&id, Answer::AllowOnce, person()).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_shell_whose_links_are_closed_guards_nothing() {
    let desk = desk();
    desk.guard_shell(20);
    desk.unguard_shell(20);
    let id = miss(&desk, "a").await;
    let former = Approver {
        pid: Some(22),
        ..person()
    };
    assert!(desk.answer(&id, Answer::AllowOnce, former).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_process_that_answers_and_vanishes_is_refused() {
    let desk = desk();
    let id = miss(&desk, "a").await;
    let vanished = Approver {
        pid: Some(99),
        ..person()
    };
    let refused = desk.answer(&id, Answer::AllowOnce, vanished);
    assert_eq!(refused, Err(AnswerError::UnknownProcess));
}

#[tokio::test(start_paused = true)]
async fn a_browser_has_no_process_and_may_answer_unless_one_is_required() {
    let browser = Approver {
        pid: None,
        ..person()
    };
    let open = desk();
    let id = miss(&open, "a").await;
    assert!(open.answer(&id, Answer::AllowOnce, browser.clone()).is_ok());

    let closed = desk_with(DeskLimits {
        require_known_process: true,
        ..DeskLimits::default()
    });
    let id = miss(&closed, "a").await;
    let refused = closed.answer(&id, Answer::AllowOnce, browser);
    assert_eq!(refused, Err(AnswerError::UnknownProcess));
    assert!(closed.answer(&id, Answer::AllowOnce, person()).is_ok());
}
