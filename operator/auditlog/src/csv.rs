//! Records as a table. What a client wrote must not become a formula of whoever opens it.

use crate::record::Record;
use snc_audit::Event;
use snc_audit::event::Word;

/// Names for machines, in one language.
pub const HEADS: [&str; 21] = [
    "seq",
    "time",
    "received",
    "source",
    "server",
    "why",
    "user",
    "impersonatedUser",
    "verb",
    "apiGroup",
    "resource",
    "subresource",
    "namespace",
    "name",
    "code",
    "stage",
    "level",
    "sourceIPs",
    "userAgent",
    "requestURI",
    "auditID",
];

/// The first line, with its end.
pub(crate) fn heads() -> String {
    let mut line = String::new();
    cells(HEADS, &mut line);
    line
}

/// One line, with its end.
pub(crate) fn row(record: &Record, line: &mut String) {
    cells(of(record).iter().map(String::as_str), line);
}

/// What stands under [`HEADS`]. Of an event in another shape than it should have, what the record says.
pub fn of(record: &Record) -> [String; 21] {
    let (seq, at, source) = (record.seq.to_string(), record.at.to_string(), record.source.to_string());
    let event = Event::parse(&record.event).ok();
    let told = event.as_ref();
    let object = told.and_then(|event| event.object_ref.as_ref());
    let text = |word: Option<&Word<'_>>| word.map(ToString::to_string).unwrap_or_default();
    let addresses: Vec<&str> =
        told.map(|event| event.source_ips.iter().map(|word| &**word).collect()).unwrap_or_default();
    let time = told.and_then(|event| event.stage_timestamp.or(event.request_received_timestamp));
    let impersonated = told.and_then(|event| event.impersonated_user.as_ref());
    [
        seq,
        time.map(|time| time.to_string()).unwrap_or_default(),
        at,
        source,
        record.server.clone(),
        record.why.clone(),
        text(told.map(|event| &event.user.username)),
        text(impersonated.map(|user| &user.username)),
        text(told.map(|event| &event.verb)),
        text(object.map(|object| &object.api_group)),
        text(object.map(|object| &object.resource)),
        text(object.map(|object| &object.subresource)),
        text(object.map(|object| &object.namespace)),
        text(object.map(|object| &object.name)),
        told.and_then(Event::code).map(|code| code.to_string()).unwrap_or_default(),
        told.map(|event| event.stage_word().to_owned()).unwrap_or_default(),
        told.and_then(|event| event.level).map(|level| level.to_string()).unwrap_or_default(),
        addresses.join(" "),
        text(told.map(|event| &event.user_agent)),
        text(told.map(|event| &event.request_uri)),
        text(told.map(|event| &event.audit_id)),
    ]
}

fn cells<'a>(cells: impl IntoIterator<Item = &'a str>, line: &mut String) {
    let start = line.len();
    for cell in cells {
        if line.len() > start {
            line.push(',');
        }
        line.push('"');
        // Also behind what a spreadsheet cuts off first, and in the wide forms that some take for the same.
        let bare = cell.trim_start_matches(|c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}');
        if bare.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '|', '%'])
            || cell.starts_with(['\t', '\r', '\n'])
        {
            line.push('\'');
        }
        for c in cell.chars() {
            match c {
                '"' => line.push_str("\"\""),
                // A record is a line.
                '\n' | '\r' | '\0' | '\u{2028}' | '\u{2029}' => line.push(' '),
                c => line.push(c),
            }
        }
        line.push('"');
    }
    line.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::{at, event};
    use crate::{Chain, Source};
    use proptest::prelude::*;
    use rstest::rstest;

    fn line_of(event: String) -> String {
        let chain: Chain = "A".repeat(43).parse().unwrap();
        let record = Record {
            seq: 7,
            at: at(9),
            source: Source::File,
            server: "s".into(),
            why: "w".into(),
            chain,
            event,
        };
        let mut line = String::new();
        row(&record, &mut line);
        line
    }

    #[test]
    fn an_event_is_a_line() {
        assert_eq!(
            line_of(event(3)),
            "\"7\",\"2027-01-15T08:00:03Z\",\"2027-01-15T08:00:09Z\",\"file\",\"s\",\"w\",\"user-3\",\"\",\"get\",\"\",\
             \"pods\",\"\",\"ns-3\",\"pod-3\",\"201\",\"ResponseComplete\",\"Metadata\",\"\",\"\",\
             \"/api/v1/namespaces/ns-3/pods/pod-3\",\"id-3\"\r\n"
        );
        assert_eq!(
            line_of("{}".into()),
            format!("\"7\",\"\",\"2027-01-15T08:00:09Z\",\"file\",\"s\",\"w\"{}\r\n", ",\"\"".repeat(15))
        );
        assert_eq!(heads().matches(',').count(), 20);
    }

    #[rstest]
    #[case("=1+1", "\"'=1+1\"")]
    #[case(" =1", "\"' =1\"")]
    #[case("\u{feff}=1", "\"'\u{feff}=1\"")]
    #[case("+1", "\"'+1\"")]
    #[case("-1", "\"'-1\"")]
    #[case("@SUM(A1)", "\"'@SUM(A1)\"")]
    #[case("＝1", "\"'＝1\"")]
    #[case("\tx", "\"'\tx\"")]
    #[case("a\"b", "\"a\"\"b\"")]
    #[case("a\r\nb", "\"a  b\"")]
    #[case("system:serviceaccount:a:b", "\"system:serviceaccount:a:b\"")]
    fn no_cell_is_a_formula(#[case] cell: &str, #[case] expected: &str) {
        let mut line = String::new();
        cells([cell], &mut line);
        assert_eq!(line, format!("{expected}\r\n"));
    }

    proptest! {
        #[test]
        fn what_a_client_writes_stays_in_its_cell(agent in ".{0,30}", user in "[=+@\\-\"',\r\n\t]{0,8}") {
            let event = serde_json::json!({"auditID": "i", "stage": "Panic", "userAgent": agent, "user": {"username": user}});
            let line = line_of(event.to_string());
            prop_assert_eq!(line.matches('\n').count(), 1);
            let inner = line.strip_prefix('"').unwrap().strip_suffix("\"\r\n").unwrap();
            let cells: Vec<String> = inner.replace("\"\"", "\u{1}").split("\",\"").map(str::to_owned).collect();
            // Doubled ones may stand beside an empty cell: then the count is told by the rest.
            prop_assert!(cells.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@'])));
        }
    }
}
