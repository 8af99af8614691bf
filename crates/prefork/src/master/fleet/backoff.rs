use super::{Millis, Slot};

/// Who took connections for this long has not died young.
pub(super) const GROWN: Millis = 2_000;
const FIRST: Millis = 100;
const LONGEST: Millis = 10_000;

impl Slot {
    /// Somebody who was ready at this time (or never) ended without being asked.
    pub(super) fn note_death(&mut self, ready_at: Option<Millis>, now: Millis) {
        if ready_at.is_some_and(|ready| now.saturating_sub(ready) >= GROWN) {
            self.deaths = 0;
        }
        self.not_before = now + delay(self.deaths);
        self.deaths += 1;
    }
}

/// Nothing the first time, then 0.1, 0.2, 0.4 … 10 seconds.
fn delay(deaths: u32) -> Millis {
    match deaths {
        0 => 0,
        more => (FIRST << (more - 1).min(10)).min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_longer_each_time_and_forgives_who_has_served() {
        assert_eq!([0, 1, 2, 3, 7, 8, 40].map(delay), [0, 100, 200, 400, 6_400, 10_000, 10_000]);
        let mut slot = Slot::default();
        slot.note_death(None, 1_000);
        slot.note_death(Some(1_500), 2_000);
        assert_eq!((slot.deaths, slot.not_before), (2, 2_100));
        slot.note_death(Some(3_000), 5_000);
        assert_eq!((slot.deaths, slot.not_before), (1, 5_000));
    }
}
