use super::{Question, SCAN_KEYS};
use crate::profile::Settings;
use jiff::{SignedDuration, Timestamp};
use snc_images::library::{Image, Library};
use snc_images::verdict::{Deadlines, Judgement, Rules};

/// By what images are judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scale {
    rules: Rules,
    max_age: SignedDuration,
    /// That the platform alone writes the reports of Trivy Operator.
    pub(super) trusted: bool,
    /// Whose signature makes a tenant's own scan count.
    pub(super) keys: Vec<String>,
}

impl Scale {
    /// As the parameters of a control have it; not every control has deadlines.
    pub fn of(settings: Settings<'_>) -> Self {
        let hours = |name| SignedDuration::from_hours(settings.integer(name));
        let days = |name| SignedDuration::from_hours(24 * settings.integer(name));
        let rules = Rules {
            deadlines: Deadlines {
                analysis: hours("criticalAnalysisHours"),
                critical: hours("criticalHours"),
                high: days("highDays"),
                medium: days("mediumDays"),
                low: days("lowDays"),
            },
            vendors: settings.strings("vendorSeverities").into_iter().map(str::to_owned).collect(),
        };
        let keys = settings.strings(SCAN_KEYS).into_iter().map(str::to_owned).collect();
        Self { rules, max_age: hours("maxAgeHours"), trusted: settings.flag("trustedReports"), keys }
    }

    /// Whether what was judged by it answers a question by another: who asks nothing about deadlines takes any.
    pub(super) fn serves(&self, other: &Self, question: Question) -> bool {
        self.max_age == other.max_age
            && self.trusted == other.trusted
            && self.keys == other.keys
            && (question != Question::Overdue || self.rules == other.rules)
    }

    pub fn judge(&self, library: &Library<'_>, namespace: &str, image: &Image, now: Timestamp) -> Judgement {
        library.judge(namespace, image, &self.rules, self.max_age, now)
    }
}
