//! Why the sink gave no answer.

use crate::outcome::Outcome;
use crate::sink::wire::Problem;
use http::StatusCode;
use snc_core::lang::Lang;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    Unreachable {
        at: String,
        error: String,
    },
    /// Its certificate is not one that is trusted for its name.
    Untrusted {
        at: String,
        error: String,
    },
    /// It answered, and not with what was asked for.
    Status {
        code: StatusCode,
        problem: Option<Problem>,
        body: Vec<u8>,
    },
    /// The answer ended before its end.
    Cut,
    TooLarge,
    Malformed(String),
    /// What it sent could not be written here.
    NotWritten(String),
}

impl Failure {
    pub fn unreachable(at: &str, error: &str) -> Self {
        Self::Unreachable { at: at.to_owned(), error: error.to_owned() }
    }

    /// Whether what was asked is wrong, rather than that nobody could answer it.
    pub fn is_bad_input(&self) -> bool {
        matches!(
            self,
            Self::Status {
                code: StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::CONFLICT,
                problem: Some(_),
                ..
            }
        )
    }

    pub fn outcome(&self, lang: Lang) -> Outcome {
        let message = self.message(lang);
        if self.is_bad_input() { Outcome::bad_input(message) } else { Outcome::undecided(message) }
    }

    pub fn message(&self, lang: Lang) -> String {
        match self {
            Self::Unreachable { at, error } => lang.pick(
                || format!("le puits d'audit ne répond pas ({at}) : {error}"),
                || format!("the audit sink does not answer ({at}): {error}"),
            ),
            Self::Untrusted { at, error } => lang.pick(
                || format!("certificat refusé ({at}), aucun jeton n'est parti : {error} ; --certificate-authority"),
                || format!("certificate refused ({at}), no token has left: {error}; --certificate-authority"),
            ),
            Self::Status { code, problem, .. } => status(*code, problem.as_ref(), lang),
            Self::Cut => lang
                .str(
                    "la réponse du puits d'audit est coupée : ce qui suit manque",
                    "the audit sink's answer was cut: what follows is missing",
                )
                .to_owned(),
            Self::TooLarge => lang
                .str(
                    "la réponse est trop grande : demandez moins avec --since, --until ou --limit",
                    "the answer is too large: ask for less with --since, --until or --limit",
                )
                .to_owned(),
            Self::Malformed(error) => lang.pick(
                || format!("réponse illisible du puits d'audit : {error}"),
                || format!("the audit sink's answer cannot be read: {error}"),
            ),
            Self::NotWritten(error) => {
                lang.pick(|| format!("écriture impossible : {error}"), || format!("cannot write: {error}"))
            }
        }
    }
}

fn status(code: StatusCode, problem: Option<&Problem>, lang: Lang) -> String {
    let said = problem.map(|problem| problem.message(lang));
    match code {
        StatusCode::UNAUTHORIZED => {
            let hint = lang.str(
                "le puits d'audit ne reconnaît pas ce jeton : son audience doit être snc-audit-log, et il doit être encore valable",
                "the audit sink does not know this token: its audience has to be snc-audit-log, and it has to be still valid",
            );
            said.map_or_else(|| hint.to_owned(), |said| format!("{said}\n{hint}"))
        }
        StatusCode::FORBIDDEN => said.unwrap_or_else(|| {
            lang.str(
                "le puits d'audit refuse : droits insuffisants",
                "the audit sink refuses: not enough rights",
            )
            .to_owned()
        }),
        _ => said.unwrap_or_else(|| {
            lang.pick(
                || format!("le puits d'audit répond {code}"),
                || format!("the audit sink answers {code}"),
            )
        }),
    }
}
