//! Points in time and durations as a person reads them.

use std::time::{SystemTime, UNIX_EPOCH};
use time::{OffsetDateTime, UtcOffset};

/// Milliseconds since the Unix epoch.
pub fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A duration in its largest sensible unit: `40 s`, `12 min`, `3 h`, `5 d`.
pub fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// The person's local time with its offset; UTC where the system does not tell.
pub fn local(at_ms: u64) -> String {
    at(
        at_ms,
        UtcOffset::current_local_offset().unwrap_or(UtcOffset::UTC),
    )
}

fn at(at_ms: u64, offset: UtcOffset) -> String {
    let seconds = i64::try_from(at_ms / 1000).unwrap_or(i64::MAX);
    let Ok(moment) = OffsetDateTime::from_unix_timestamp(seconds) else {
        return format!("{at_ms} ms");
    };
    let moment = moment.to_offset(offset);
    let (hours, minutes, _) = offset.as_hms();
    let sign = if offset.is_negative() { '-' } else { '+' };
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02} {sign}{:02}:{:02}",
        moment.year(),
        u8::from(moment.month()),
        moment.day(),
        moment.hour(),
        moment.minute(),
        moment.second(),
        hours.unsigned_abs(),
        minutes.unsigned_abs(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_one_unit() {
        let spans = [0, 40_000, 720_000, 10_800_000, 432_000_000].map(span);
        assert_eq!(spans, ["0 s", "40 s", "12 min", "3 h", "5 d"]);
    }

    #[test]
    fn times_are_local_with_their_offset() {
        let offset = UtcOffset::from_hms(-3, -30, 0).unwrap();
        assert_eq!(
            at(1_760_000_000_000, UtcOffset::UTC),
            "2025-10-09 08:53:20 +00:00"
        );
        assert_eq!(at(1_760_000_000_000, offset), "2025-10-09 05:23:20 -03:30");
    }
}
