//! Whether a bucket locks what is put there, as the server says it.

use jiff::Timestamp;
use object_store::HeaderMap;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LockMode {
    /// Whoever has the right to can lift it.
    Governance,
    /// Nobody can.
    Compliance,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum Lock {
    Locked {
        mode: LockMode,
        until: Timestamp,
    },
    NotLocked,
    /// Nobody said so, or nobody may know.
    Unknown,
}

const MODE: &str = "x-amz-object-lock-mode";
const UNTIL: &str = "x-amz-object-lock-retain-until-date";

/// What the answer to a question about an object said of its lock. Carried along with the answer.
#[derive(Debug, Clone)]
pub(super) struct Told(pub(super) Option<Lock>);

impl Told {
    pub(super) fn by(headers: &HeaderMap) -> Self {
        let word = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        Self(word(MODE).map(|mode| of(mode, word(UNTIL).unwrap_or_default())))
    }
}

fn of(mode: &str, until: &str) -> Lock {
    let mode = match mode {
        "GOVERNANCE" => LockMode::Governance,
        "COMPLIANCE" => LockMode::Compliance,
        _ => return Lock::Unknown,
    };
    until.parse().map_or(Lock::Unknown, |until| Lock::Locked { mode, until })
}

/// The answer to `GET object?retention`. That header is missing for whoever may not read retentions, too: this one says
/// which of the two it is.
pub(super) fn of_retention(status: u16, body: &str) -> Lock {
    let element = |name: &str| {
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0.trim())
    };
    match status {
        200 => match element("Mode").zip(element("RetainUntilDate")) {
            Some((mode, until)) => of(mode, until),
            None => Lock::Unknown,
        },
        // Of an object without one; and of a bucket that knows no locks.
        400 | 404 => match element("Code") {
            Some("NoSuchObjectLockConfiguration" | "ObjectLockConfigurationNotFoundError") => Lock::NotLocked,
            Some("InvalidRequest") if body.contains("Object Lock") => Lock::NotLocked,
            _ => Lock::Unknown,
        },
        _ => Lock::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const LOCKED: &str = "<?xml version=\"1.0\"?><Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
        <Mode>COMPLIANCE</Mode><RetainUntilDate>2027-05-26T10:00:00.000Z</RetainUntilDate></Retention>";

    fn locked(mode: LockMode) -> Lock {
        Lock::Locked { mode, until: "2027-05-26T10:00:00Z".parse().unwrap() }
    }

    #[rstest]
    #[case(200, LOCKED, locked(LockMode::Compliance))]
    #[case(200, "<Retention></Retention>", Lock::Unknown)]
    #[case(404, "<Error><Code>NoSuchObjectLockConfiguration</Code></Error>", Lock::NotLocked)]
    #[case(
        400,
        "<Error><Code>InvalidRequest</Code><Message>Bucket is missing Object Lock Configuration</Message></Error>",
        Lock::NotLocked
    )]
    #[case(404, "<Error><Code>NoSuchKey</Code></Error>", Lock::Unknown)]
    #[case(403, "<Error><Code>AccessDenied</Code></Error>", Lock::Unknown)]
    #[case(501, "<Error><Code>NotImplemented</Code></Error>", Lock::Unknown)]
    fn what_the_server_says_of_a_retention(#[case] status: u16, #[case] body: &str, #[case] expected: Lock) {
        assert_eq!(of_retention(status, body), expected);
    }

    #[rstest]
    #[case(&[(MODE, "GOVERNANCE"), (UNTIL, "2027-05-26T10:00:00Z")], Some(locked(LockMode::Governance)))]
    #[case(&[(MODE, "GOVERNANCE")], Some(Lock::Unknown))]
    #[case(&[(MODE, "SOMETHING"), (UNTIL, "2027-05-26T10:00:00Z")], Some(Lock::Unknown))]
    #[case(&[(UNTIL, "2027-05-26T10:00:00Z")], None)]
    fn what_its_headers_say(#[case] given: &[(&'static str, &str)], #[case] expected: Option<Lock>) {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.insert(*name, value.parse().unwrap());
        }
        assert_eq!(Told::by(&headers).0, expected);
    }
}
