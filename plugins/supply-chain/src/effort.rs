//! Counts what reading costs, in tests only: bytes and words looked at. A clock would count the
//! machine as well.

/// Says that this many bytes or words are looked at.
pub fn spend(units: usize) {
    #[cfg(test)]
    SPENT.with(|spent| spent.set(spent.get() + units));
    #[cfg(not(test))]
    let _ = units;
}

/// What is looked at while `work` runs.
#[cfg(test)]
pub fn of<T>(work: impl FnOnce() -> T) -> usize {
    SPENT.with(|spent| spent.set(0));
    let _ = work();
    SPENT.with(std::cell::Cell::get)
}

#[cfg(test)]
thread_local! {
    static SPENT: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// A fixed sequence of numbers: the same ones on every run.
#[cfg(test)]
pub struct Sequence(pub u64);

#[cfg(test)]
impl Sequence {
    pub fn below(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % below.max(1)
    }

    pub fn one_of<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from.get(self.below(from.len()))
            .copied()
            .unwrap_or_default()
    }
}
