//! Whether a command is due, as uWSGI counts.

use crate::settings::CronSettings;

/// Parts of a local time, numbered as people do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// 0 to 59.
    pub minute: i32,
    /// 0 to 23.
    pub hour: i32,
    /// 1 to 31.
    pub day: i32,
    /// 1 to 12.
    pub month: i32,
    /// 0 (Sunday) to 6.
    pub weekday: i32,
}

impl LocalTime {
    /// From what the C library says.
    pub fn of(tm: &libc::tm) -> LocalTime {
        LocalTime { minute: tm.tm_min, hour: tm.tm_hour, day: tm.tm_mday, month: tm.tm_mon + 1, weekday: tm.tm_wday }
    }
}

/// Whether it is due in this minute. Of a day and a weekday that are both given, one is enough.
pub fn is_due(cron: &CronSettings, now: &LocalTime) -> bool {
    let weekday = if cron.weekday == 7 { 0 } else { cron.weekday };
    let by_day = fits(cron.day, now.day);
    let by_weekday = fits(weekday, now.weekday);
    let day = if cron.day >= 0 && weekday >= 0 { by_day || by_weekday } else { by_day && by_weekday };
    day && fits(cron.minute, now.minute) && fits(cron.hour, now.hour) && fits(cron.month, now.month)
}

/// -1: any; -N: those that N divides.
fn fits(wanted: i32, value: i32) -> bool {
    if wanted < 0 { value.unsigned_abs().is_multiple_of(wanted.unsigned_abs()) } else { wanted == value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn cron(minute: i32, hour: i32, day: i32, month: i32, weekday: i32) -> CronSettings {
        CronSettings {
            minute,
            hour,
            day,
            month,
            weekday,
            command: String::new(),
            unique: false,
            harakiri: Duration::ZERO,
        }
    }

    fn at(month: i32, day: i32, hour: i32, minute: i32, weekday: i32) -> LocalTime {
        LocalTime { minute, hour, day, month, weekday }
    }

    #[test]
    fn each_part_counts() {
        // Saturday the 21st of November, 22:30.
        let now = at(11, 21, 22, 30, 6);
        for (settings, due) in [
            (cron(-1, -1, -1, -1, -1), true),
            (cron(30, 22, 21, 11, -1), true),
            (cron(31, -1, -1, -1, -1), false),
            (cron(-1, 21, -1, -1, -1), false),
            (cron(-1, -1, 20, -1, -1), false),
            (cron(-1, -1, -1, 10, -1), false),
            (cron(-1, -1, -1, -1, 6), true),
            (cron(-1, -1, -1, -1, 5), false),
            (cron(-15, -11, -7, -1, -3), true),
            (cron(-7, -1, -1, -1, -1), false),
            (cron(-1, -1, 21, -1, 5), true),
            (cron(-1, -1, 20, -1, 6), true),
            (cron(-1, -1, 20, -1, 5), false),
            (cron(-1, -1, 21, -1, -5), false),
            (cron(i32::MIN, -1, -1, -1, -1), false),
        ] {
            assert_eq!(is_due(&settings, &now), due, "{settings:?}");
        }
        let sunday = at(11, 22, 0, 0, 0);
        assert!(is_due(&cron(0, 0, -1, -1, 7), &sunday));
        assert!(is_due(&cron(0, 0, -1, -1, 0), &sunday));
        assert!(is_due(&cron(i32::MIN, -1, -1, -1, -1), &sunday), "zero is a multiple of all");
    }

    #[test]
    fn an_hour_that_is_left_out_or_comes_twice() {
        let half_past_two = cron(30, 2, -1, -1, -1);
        let minutes = |hours: &[i32], day, month| -> Vec<LocalTime> {
            let of = |hour: &i32| (0..60).map(move |minute| (*hour, minute)).collect::<Vec<_>>();
            hours.iter().flat_map(of).map(|(hour, minute)| at(month, day, hour, minute, 0)).collect()
        };
        let count = |times: Vec<LocalTime>| times.iter().filter(|now| is_due(&half_past_two, now)).count();
        assert_eq!(count(minutes(&[1, 3, 4], 29, 3)), 0, "in spring 2:30 does not happen");
        assert_eq!(count(minutes(&[1, 2, 2, 3], 25, 10)), 2, "in autumn it happens twice");
        let hourly = cron(0, -1, -1, -1, -1);
        assert_eq!(minutes(&[1, 3, 4], 29, 3).iter().filter(|now| is_due(&hourly, now)).count(), 3);
    }
}
