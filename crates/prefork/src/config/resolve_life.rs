//! How many workers there are, and how they end.

use std::time::Duration;

use super::values::Values;
use crate::settings::{CheaperAlgorithm, CheaperSettings, LifeSettings};

/// Most workers, and most threads of one.
pub(super) const MOST: u64 = 1024;

/// Workers and threads of each.
pub(super) fn crew(values: &Values) -> (u32, u32) {
    (values.count("processes", 1..=MOST).unwrap_or(1), values.count("threads", 1..=MOST).unwrap_or(1))
}

pub(super) fn life(values: &Values) -> LifeSettings {
    let default = LifeSettings::default();
    let seconds = |name: &str, default: Duration| values.seconds(name).unwrap_or(default);
    let count = |name: &str| values.number(name, 0..=u64::MAX >> 12).unwrap_or(0);
    let life = LifeSettings {
        harakiri: seconds("harakiri", default.harakiri),
        max_requests: count("max-requests"),
        max_requests_delta: count("max-requests-delta"),
        min_lifetime: seconds("min-worker-lifetime", default.min_lifetime),
        max_lifetime: seconds("max-worker-lifetime", default.max_lifetime),
        max_lifetime_delta: seconds("max-worker-lifetime-delta", default.max_lifetime_delta),
        reload_on_rss: values.megabytes("reload-on-rss"),
        reload_on_as: values.megabytes("reload-on-as"),
        evil_reload_on_rss: values.megabytes("evil-reload-on-rss"),
        evil_reload_on_as: values.megabytes("evil-reload-on-as"),
        limit_as: values.megabytes("limit-as"),
        worker_mercy: seconds("worker-reload-mercy", default.worker_mercy),
        reload_mercy: seconds("reload-mercy", default.reload_mercy),
        brutal_term: values.flag("brutal-term"),
        exit_on_reload: values.flag("exit-on-reload"),
    };
    if !life.max_lifetime.is_zero()
        && life.max_lifetime <= life.min_lifetime
        && let Some(entry) = values.last("max-worker-lifetime")
    {
        let least = life.min_lifetime.as_secs();
        let message = format!(
            "{}: {} s are not more than min-worker-lifetime, {least} s",
            entry.key,
            life.max_lifetime.as_secs()
        );
        values.problems.error(&entry.at, message);
    }
    life
}

pub(super) fn cheaper(values: &Values, workers: u32) -> Option<CheaperSettings> {
    let least = values.count("cheaper", 0..=MOST);
    let initial = values.count("cheaper-initial", 1..=MOST);
    let step = values.count("cheaper-step", 1..=MOST).unwrap_or(1);
    let overload = values.count("cheaper-overload", 0..=1 << 20).unwrap_or(3);
    let algorithm = algorithm(values);
    let entry = values.last("cheaper")?;
    let least = least.filter(|least| *least > 0)?;
    if least >= workers {
        let message = format!("{}: the fewest workers, {least}, must be less than processes, {workers}", entry.key);
        values.problems.error(&entry.at, message);
    }
    let initial = initial.unwrap_or(least);
    if let Some(entry) = values.last("cheaper-initial")
        && !(least..=workers.max(least)).contains(&initial)
    {
        values.problems.error(&entry.at, format!("{}: {initial} is not between {least} and {workers}", entry.key));
    }
    Some(CheaperSettings { least, initial, step, overload, algorithm })
}

fn algorithm(values: &Values) -> CheaperAlgorithm {
    let Some(entry) = values.last("cheaper-algo") else { return CheaperAlgorithm::Spare };
    match entry.value.as_str() {
        "spare" | "spare2" => CheaperAlgorithm::Spare,
        "backlog" | "backlog2" => CheaperAlgorithm::Backlog,
        "manual" => CheaperAlgorithm::Manual,
        other => {
            values
                .problems
                .error(&entry.at, format!("{}: there is no \"{other}\"; spare, backlog and manual are", entry.key));
            CheaperAlgorithm::Spare
        }
    }
}
