use super::MasterError;
use super::sockets::Bound;
use crate::settings::{Settings, StatsSettings};

/// Binds the sockets of statistics; those that stay are kept.
pub(super) fn bind(
    settings: &Settings,
    before: &[(Bound, StatsSettings)],
) -> Result<Vec<(Bound, StatsSettings)>, MasterError> {
    let bind = |stats: &StatsSettings| {
        let kept = before.iter().find(|(_, other)| other.address == stats.address).map(|(bound, _)| bound.clone());
        let bound = match kept {
            Some(bound) => bound,
            None => Bound::new(&stats.name, &stats.address, &settings.http, 1)?,
        };
        Ok((bound, stats.clone()))
    };
    settings.stats.iter().map(bind).collect()
}
