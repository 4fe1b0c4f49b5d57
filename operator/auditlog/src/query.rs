//! What a question is, and what an answer.

use crate::Partition;
use crate::facts::Field;
use crate::finding::Finding;
use crate::record::Record;
use jiff::Timestamp;
use snc_core::text::Refusal;
use std::fmt;
use std::str::FromStr;

/// All that is said must be so. Texts are compared whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub partition: Partition,
    /// From then on, by the time of the event.
    pub since: Option<Timestamp>,
    /// Before that.
    pub until: Option<Timestamp>,
    /// Whoever sent the request, or was impersonated by it.
    pub user: Option<String>,
    pub verb: Option<String>,
    /// `deployments`, or with its group: `deployments.apps`.
    pub resource: Option<String>,
    /// Empty: requests for the resource itself.
    pub subresource: Option<String>,
    pub namespace: Option<String>,
    pub name: Option<String>,
    pub code: Option<u16>,
    /// At most so many records, and [`Query::MOST`].
    pub limit: usize,
    /// Where an earlier answer ended.
    pub cursor: Option<Cursor>,
}

impl Query {
    pub const MOST: usize = 10_000;

    pub fn of(partition: Partition) -> Self {
        Self {
            partition,
            since: None,
            until: None,
            user: None,
            verb: None,
            resource: None,
            subresource: None,
            namespace: None,
            name: None,
            code: None,
            limit: 500,
            cursor: None,
        }
    }

    /// Per field what its dictionary must say. A user is looked for in two of them.
    pub(crate) fn filters(&self) -> Vec<(Field, String)> {
        let code = self.code.map(|code| code.to_string());
        let fields = [
            (Field::Name, &self.name),
            (Field::Namespace, &self.namespace),
            (Field::Resource, &self.resource),
            (Field::Subresource, &self.subresource),
            (Field::Verb, &self.verb),
            (Field::Code, &code),
        ];
        fields.into_iter().filter_map(|(field, text)| Some((field, text.clone()?))).collect()
    }

    /// Whether events between these two moments can be in question.
    pub(crate) fn overlaps(&self, first: Timestamp, last: Timestamp) -> bool {
        self.since.is_none_or(|since| last >= micro(since)) && self.until.is_none_or(|until| first < until)
    }

    /// In microseconds, as the index has them: from, and before.
    pub(crate) fn window(&self) -> (i64, i64) {
        let since = self.since.map_or(i64::MIN, Timestamp::as_microsecond);
        let until = self.until.map_or(i64::MAX, |until| {
            let whole = until.subsec_nanosecond() % 1000 == 0;
            until.as_microsecond() + i64::from(!whole)
        });
        (since, until)
    }
}

fn micro(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// Whether an entry of the dictionary is what was asked for.
pub(crate) fn is_asked(field: Field, entry: &str, asked: &str) -> bool {
    entry == asked
        || field == Field::Resource
            && !asked.contains('.')
            && entry.split_once('.').is_some_and(|(resource, _)| resource == asked)
}

/// After this record. It stays good whatever is added, or expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    pub(crate) number: u64,
    pub(crate) seq: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.number, self.seq)
    }
}

impl FromStr for Cursor {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let read = text
            .split_once('.')
            .and_then(|(number, seq)| Some(Self { number: number.parse().ok()?, seq: seq.parse().ok()? }));
        read.filter(|cursor| cursor.to_string() == text).ok_or_else(|| {
            let (fr, en) = ("le curseur d'une réponse précédente", "the cursor of an earlier answer");
            Refusal::new("cursor", text, fr, en)
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In the order in which they were kept.
    pub records: Vec<Record>,
    /// Where to go on. None: there is no more.
    pub next: Option<Cursor>,
    /// What could not be read, or is not what was sealed: the answer is without it.
    pub findings: Vec<Finding>,
    /// Segments in question whose time was over.
    pub expired: u64,
}

impl Page {
    /// There may be more.
    pub fn is_truncated(&self) -> bool {
        self.next.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("1.2", true)]
    #[case("01.2", false)]
    #[case("1.-2", false)]
    #[case("1", false)]
    #[case("", false)]
    #[case("1.2.3", false)]
    fn a_cursor_has_one_text(#[case] text: &str, #[case] fine: bool) {
        assert_eq!(text.parse::<Cursor>().is_ok(), fine);
    }

    #[rstest]
    #[case(Field::Resource, "deployments.apps", "deployments", true)]
    #[case(Field::Resource, "deployments.apps", "deployments.apps", true)]
    #[case(Field::Resource, "deployments.apps", "deployments.extensions", false)]
    #[case(Field::Resource, "pods", "pod", false)]
    #[case(Field::Name, "web.example", "web", false)]
    fn a_resource_is_asked_for_with_its_group_or_without(
        #[case] field: Field,
        #[case] entry: &str,
        #[case] asked: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(is_asked(field, entry, asked), expected);
    }
}
