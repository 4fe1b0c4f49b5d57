use super::{Answer, Context, first};
use jiff::Timestamp;
use snc_api::v1alpha1::{SncControl, SncControlStatus};
use snc_core::condition::{kind, reason};
use snc_core::lang::Lang;
use snc_core::text::{Text, clip};
use std::collections::BTreeSet;

/// So many controls of the platform's own are judged; each costs on every object.
pub const MAX_CONTROLS: usize = 200;
const TOLD: usize = 4;

/// Why a control cannot be used, and where that is in it. Lines and columns are counted from 1; 0 where there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileError {
    /// Path of the field, for example `spec.rule.expect`.
    pub field: String,
    pub line: u32,
    pub column: u32,
    pub message: Text,
}

impl CompileError {
    fn told(&self, lang: Lang) -> String {
        let Self { field, line, column, message } = self;
        let field = clip(field, 100);
        let message = clip(message.get(lang), 400);
        match (*line, lang) {
            (0, Lang::Fr) => format!("{field} : {message}"),
            (0, Lang::En) => format!("{field}: {message}"),
            (line, Lang::Fr) => format!("{field}, ligne {line}, colonne {column} : {message}"),
            (line, Lang::En) => format!("{field}, line {line}, column {column}: {message}"),
        }
    }
}

/// What became of a control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compiled<'a> {
    Yes,
    No(&'a [CompileError]),
    /// It is beyond [`MAX_CONTROLS`] and was not looked at.
    OverLimit,
}

pub fn control_status(
    control: &SncControl,
    compiled: Compiled<'_>,
    lang: Lang,
    now: Timestamp,
) -> SncControlStatus {
    let previous = control.status.as_ref().map(|s| s.conditions.as_slice()).unwrap_or_default();
    let context = Context { lang, generation: control.metadata.generation, now };
    let answer = match compiled {
        Compiled::Yes => Answer::yes(
            reason::COMPILED,
            "la règle compile et est évaluée",
            "the rule compiles and is evaluated",
        ),
        Compiled::No(errors) => {
            let told = |lang| {
                let list: Vec<String> = errors.iter().map(|error| error.told(lang)).collect();
                first(&list, TOLD)
            };
            Answer::no(reason::COMPILE_ERROR, told(Lang::Fr), told(Lang::En))
        }
        Compiled::OverLimit => Answer::no(
            reason::CONTROL_LIMIT,
            format!("les {MAX_CONTROLS} SncControl les plus anciens sont évalués, celui-ci ne l'est pas"),
            format!("the {MAX_CONTROLS} oldest SncControls are evaluated, this one is not"),
        ),
    };
    SncControlStatus {
        observed_generation: context.generation,
        conditions: vec![answer.condition(kind::COMPILED, previous, &context)],
    }
}

/// Names of the controls that are judged: the oldest, so that a new one pushes none out.
pub fn within_limit<'a>(controls: impl IntoIterator<Item = &'a SncControl>) -> BTreeSet<&'a str> {
    let mut by_age: Vec<(Option<Timestamp>, &str)> = controls
        .into_iter()
        .filter_map(|control| {
            let created = control.metadata.creation_timestamp.as_ref().map(|time| time.0);
            Some((created, control.metadata.name.as_deref()?))
        })
        .collect();
    by_age.sort_unstable();
    by_age.into_iter().take(MAX_CONTROLS).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use serde_json::json;

    fn control(name: &str, created: i64) -> SncControl {
        let text = json!({"fr": "un titre", "en": "a title"});
        let mut control: SncControl = serde_json::from_value(json!({
            "apiVersion": "secnumcloud.dev/v1alpha1",
            "kind": "SncControl",
            "metadata": {"name": name, "generation": 3},
            "spec": {
                "category": "workload", "requirements": ["9.7.a"], "level": "Standard", "severity": "high",
                "scope": "tenant", "title": text, "boundary": text, "reads": ["pods"],
                "remediation": {"fr": "faire", "en": "do it", "snippet": "x: y"},
                "rule": {"expect": "true", "path": "spec", "message": text},
            },
        }))
        .unwrap();
        control.metadata.creation_timestamp = Some(Time(Timestamp::from_second(created).unwrap()));
        control
    }

    fn say(control: &SncControl, compiled: Compiled<'_>, lang: Lang) -> (String, String, String) {
        let status = control_status(control, compiled, lang, Timestamp::UNIX_EPOCH);
        assert_eq!(status.observed_generation, Some(3));
        let found = &status.conditions[0];
        assert_eq!(found.type_, "Compiled");
        (found.status.clone(), found.reason.clone(), found.message.clone())
    }

    #[test]
    fn an_error_says_where_and_why_in_both_languages() {
        let errors = [
            CompileError {
                field: "spec.rule.expect".into(),
                line: 2,
                column: 7,
                message: Text::new("champ inconnu", "no such field"),
            },
            CompileError {
                field: "spec.requirements[0]".into(),
                line: 0,
                column: 0,
                message: Text::new("inconnue", "unknown"),
            },
        ];
        let one = control("custom-a", 0);
        let (status, reason, message) = say(&one, Compiled::No(&errors), Lang::Fr);
        assert_eq!((status.as_str(), reason.as_str()), ("False", "CompileError"));
        assert_eq!(
            message,
            "spec.rule.expect, ligne 2, colonne 7 : champ inconnu | spec.requirements[0] : inconnue"
        );
        let (.., message) = say(&one, Compiled::No(&errors), Lang::En);
        assert_eq!(
            message,
            "spec.rule.expect, line 2, column 7: no such field | spec.requirements[0]: unknown"
        );
        assert_eq!(say(&one, Compiled::Yes, Lang::En).0, "True");
        assert_eq!(say(&one, Compiled::OverLimit, Lang::Fr).1, "ControlLimit");
    }

    #[test]
    fn the_time_of_the_change_stays_while_the_status_does() {
        let mut one = control("custom-a", 0);
        let at = |second| Timestamp::from_second(second).unwrap();
        one.status = Some(control_status(&one, Compiled::Yes, Lang::Fr, at(10)));
        let later = control_status(&one, Compiled::Yes, Lang::Fr, at(20));
        assert_eq!(Some(&later), one.status.as_ref());
        let broken = control_status(&one, Compiled::OverLimit, Lang::Fr, at(30));
        assert_eq!(broken.conditions[0].last_transition_time, Time(at(30)));
    }

    #[test]
    fn the_oldest_are_within_the_limit() {
        let many: Vec<SncControl> = (0..=MAX_CONTROLS)
            .map(|i| control(&format!("custom-{i}"), 1000 - i64::try_from(i).unwrap()))
            .collect();
        let within = within_limit(&many);
        assert_eq!(within.len(), MAX_CONTROLS);
        assert!(!within.contains("custom-0"), "the youngest");
    }

    #[test]
    fn the_object_is_a_control_as_the_files_have_it() {
        let found = control("custom-a", 0).spec.control("custom-a");
        assert_eq!((found.id.as_str(), found.critical), ("custom-a", false));
        assert!(found.is_admission());
        let json = serde_json::to_value(&found).unwrap();
        assert_eq!(serde_json::from_value::<snc_core::control::Control>(json).unwrap(), found);
    }
}
