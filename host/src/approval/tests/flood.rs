//! Many questions, many waiters, many doors.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_flood_from_one_server_is_denied_unasked_and_counted() {
    let desk = desk();
    let waiting: Vec<_> = (0..10)
        .map(|n| desk.ask(question(&n.to_string())))
        .collect();
    for n in 10..30 {
        let ticket = desk.ask(question(&n.to_string()));
        assert_eq!(ticket.id(), None);
        assert_eq!(ticket.wait(HOLD).await, Outcome::Overload);
    }
    let listed = desk.list();
    assert_eq!(listed.len(), 10);
    assert_eq!(
        listed.iter().map(|open| open.refused).collect::<Vec<_>>(),
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 20]
    );
    // The same call again waits as well; another server is no part of the flood.
    assert!(desk.ask(question("3")).id().is_none());
    assert!(desk.ask(question_of("mail", "1")).id().is_some());
    drop(waiting);
    assert!(desk.ask(question("30")).id().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_makes_room_by_dropping_what_the_loudest_server_missed() {
    let desk = desk_with(DeskLimits {
        questions: 4,
        ..DeskLimits::default()
    });
    drop(desk.ask(question_of("mail", "first")));
    for n in 0..20 {
        drop(desk.ask(question(&n.to_string())));
    }
    let servers: Vec<_> = desk
        .list()
        .into_iter()
        .map(|open| open.question.server)
        .collect();
    assert_eq!(servers, ["mail", "files", "files", "files"]);
    assert_eq!(desk.list()[3].question.scope, scope("19"));
    assert_eq!(desk.dropped(), 17);
}

#[tokio::test(start_paused = true)]
async fn a_queue_full_of_waiting_questions_refuses_more() {
    let desk = desk_with(DeskLimits {
        questions: 2,
        ..DeskLimits::default()
    });
    let _waiting = [desk.ask(question("a")), desk.ask(question("b"))];
    assert_eq!(
        desk.ask(question_of("mail", "c")).wait(HOLD).await,
        Outcome::Overload
    );
    assert_eq!(desk.list().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn doors_hear_of_questions_and_answers() {
    let desk = desk();
    let mut changes = desk.changes();
    let ticket = desk.ask(question("a"));
    assert!(changes.has_changed().unwrap());
    changes.mark_unchanged();
    desk.answer(ticket.id().unwrap(), Answer::Deny, person())
        .unwrap();
    assert!(changes.has_changed().unwrap());
}

#[tokio::test(start_paused = true)]
async fn ids_are_short_plain_and_distinct() {
    let desk = desk_with(DeskLimits {
        waiting_per_server: 256,
        ..DeskLimits::default()
    });
    let tickets: Vec<_> = (0..256)
        .map(|n| desk.ask(question(&n.to_string())))
        .collect();
    let ids: std::collections::HashSet<&str> = tickets.iter().filter_map(Ticket::id).collect();
    assert_eq!(ids.len(), 256);
    assert!(
        ids.iter()
            .all(|id| id.len() == 6 && id.chars().all(|c| c.is_ascii_alphanumeric()))
    );
}

#[tokio::test(start_paused = true)]
async fn at_the_end_of_the_hold_an_answer_either_reaches_a_waiter_or_serves_its_retry() {
    let moment = Duration::from_millis(1);
    for (waited, expect) in [(HOLD - moment, 1), (HOLD + moment, 0)] {
        let desk = desk_with(DeskLimits {
            waiting_per_server: 50,
            ..DeskLimits::default()
        });
        let waiters: Vec<_> = (0..50).map(|_| wait(desk.ask(question("a")))).collect();
        tokio::task::yield_now().await;
        tokio::time::advance(waited).await;
        tokio::task::yield_now().await;
        let answered = desk
            .answer(&only_id(&desk), Answer::AllowOnce, person())
            .unwrap();
        let mut allowed = 0;
        for waiter in waiters {
            allowed += usize::from(matches!(waiter.await.unwrap(), Outcome::Allowed { .. }));
        }
        assert_eq!((answered.reached, allowed), (expect, expect));
        assert_eq!(desk.take_grant(&scope("a")).is_some(), expect == 0);
    }
}

#[tokio::test(start_paused = true)]
async fn of_one_call_made_many_times_an_allowance_lets_one_pass() {
    let desk = desk();
    let tickets: Vec<_> = (0..50).map(|_| desk.ask(question("a"))).collect();
    let held = tickets
        .iter()
        .filter(|ticket| ticket.id().is_some())
        .count();
    assert_eq!((held, desk.list()[0].refused), (10, 40));
    let waiters: Vec<_> = tickets.into_iter().map(wait).collect();
    let answered = desk
        .answer(&only_id(&desk), Answer::AllowOnce, person())
        .unwrap();
    assert_eq!((answered.reached, desk.list()[0].asked), (1, 9));
    let mut allowed = Vec::new();
    for (place, waiter) in waiters.into_iter().enumerate() {
        if matches!(waiter.await.unwrap(), Outcome::Allowed { .. }) {
            allowed.push(place);
        }
    }
    assert_eq!(allowed, [0]);
}
