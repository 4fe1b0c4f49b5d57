//! What is said of the reports where they cannot speak for themselves.

use super::Reporter;
use snc_core::condition::reason;
use snc_plan::status::Answer;
use std::time::Duration;
use tokio::time::Instant;

/// Waiting for its turn longer than this is being behind.
pub(super) const BEHIND: Duration = Duration::from_secs(300);

/// From the start until it is known what there is.
pub fn not_read() -> Answer {
    Answer::unknown(
        reason::PENDING,
        "les rapports qui existent ne sont pas encore lus",
        "the reports that exist are not read yet",
    )
}

impl Reporter {
    /// `ReportsWritten`, where reports are wanted at all.
    pub fn condition(&self, now: Instant) -> Option<Answer> {
        let group = self.wanted?.group();
        if self.format().is_none() {
            return Some(Answer::no(
                reason::NOT_SERVED,
                format!("le cluster ne sert pas {group} : aucun rapport n'est écrit"),
                format!("the cluster does not serve {group}: no reports are written"),
            ));
        }
        let error = self.failure.as_ref().map_or("-", |failure| failure.error.as_str());
        if !self.listed {
            return Some(match &self.failure {
                None => not_read(),
                Some(_) => Answer::unknown(
                    reason::UNREADABLE,
                    format!("les rapports qui existent ne peuvent pas être lus : {error}"),
                    format!("the reports that exist cannot be read: {error}"),
                ),
            });
        }
        if self.breaker.is_open() {
            return Some(Answer::no(
                reason::CIRCUIT_OPEN,
                format!(
                    "écriture suspendue après des échecs répétés ; les rapports sont anciens ou absents : {error}"
                ),
                format!(
                    "writing is suspended after repeated failures; the reports are old or absent: {error}"
                ),
            ));
        }
        if self.failure.is_some() {
            return Some(Answer::no(
                reason::WRITE_FAILED,
                format!("des rapports n'ont pas pu être écrits : {error}"),
                format!("some reports could not be written: {error}"),
            ));
        }
        if self.waiting.values().any(|since| now.saturating_duration_since(*since) > BEHIND) {
            return Some(Answer::no(
                reason::BEHIND,
                "des rapports attendent leur tour depuis plus de cinq minutes",
                "some reports have waited for their turn for more than five minutes",
            ));
        }
        Some(Answer::yes(
            reason::WRITTEN,
            format!("les rapports {group} disent ce qui est constaté, à quelques minutes près"),
            format!("the reports of {group} say what was found, within some minutes"),
        ))
    }
}
