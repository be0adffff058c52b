//! Moments in UTC, to the second, written as RFC 3339 with `Z`. Comes in as an argument: this
//! crate has no clock.

use std::fmt;
use std::str::FromStr;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::refusal::Malformed;
use crate::text::as_text;

/// Seconds since the Unix epoch, between the years 0 and 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z: no floor at all.
    pub const EPOCH: Self = Self(0);

    /// From seconds since the Unix epoch.
    ///
    /// # Errors
    /// [`Malformed::Time`] outside the years that RFC 3339 can write.
    pub fn from_unix(seconds: i64) -> Result<Self, Malformed> {
        let moment = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| Malformed::Time)?;
        if !(0..=9999).contains(&moment.year()) {
            return Err(Malformed::Time);
        }
        Ok(Self(seconds))
    }

    /// Seconds since the Unix epoch.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// This many seconds later, stopping at the last moment that can be written.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        const LAST: i64 = 253_402_300_799; // 9999-12-31T23:59:59Z
        const FIRST: i64 = -62_167_219_200; // 0000-01-01T00:00:00Z
        Self(self.0.saturating_add(seconds).clamp(FIRST, LAST))
    }

    /// This many days later.
    #[must_use]
    pub fn plus_days(self, days: u32) -> Self {
        self.plus_seconds(i64::from(days) * 86_400)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = OffsetDateTime::from_unix_timestamp(self.0).map_err(|_| fmt::Error)?;
        f.write_str(&moment.format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| Malformed::Time)?;
        let parsed = Self::from_unix(moment.unix_timestamp())?;
        // RFC 3339 has many spellings of one moment; ours has one.
        if parsed.to_string() != text {
            return Err(Malformed::Time);
        }
        Ok(parsed)
    }
}

as_text!(Timestamp);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_moment_has_one_spelling() {
        let noon: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        assert_eq!(noon.unix(), 1_795_348_800);
        assert_eq!(noon.to_string(), "2026-11-22T12:00:00Z");
        for wrong in [
            "2026-11-22T12:00:00+00:00",
            "2026-11-22t12:00:00z",
            "2026-11-22T12:00:00.0Z",
            "2026-11-22T13:00:00+01:00",
            "2026-11-22 12:00:00Z",
            "2026-11-22",
            "2026-02-30T00:00:00Z",
            "1795348800",
        ] {
            assert!(wrong.parse::<Timestamp>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn arithmetic_stops_at_the_edges() {
        let far = Timestamp::EPOCH.plus_seconds(i64::MAX);
        assert_eq!(far.to_string(), "9999-12-31T23:59:59Z");
        assert!(Timestamp::EPOCH.plus_days(1) > Timestamp::EPOCH);
    }
}
