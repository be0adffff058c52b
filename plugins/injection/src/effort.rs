//! How many bytes were read, for the test that bounds it. Costs nothing outside of tests.

#[cfg(test)]
thread_local! {
    static READ: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// So many bytes are looked at.
#[inline]
pub fn add(bytes: usize) {
    #[cfg(test)]
    READ.set(READ.get() + bytes);
    let _ = bytes;
}

/// Bytes that `work` reads.
#[cfg(test)]
pub fn measured(work: impl FnOnce()) -> usize {
    let before = READ.get();
    work();
    READ.get() - before
}
