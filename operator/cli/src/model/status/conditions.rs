use super::ConditionView;
use crate::model::Tri;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use snc_core::lang::Lang;

pub const NO_STATUS: &str = "NoStatus";
pub const STALE: &str = "Stale";
const NOT_REPORTED: &str = "NotReported";

/// What a status may be believed to say.
pub struct Reading<'a> {
    pub lang: Lang,
    pub generation: Option<i64>,
    pub observed: Option<i64>,
    pub conditions: &'a [Condition],
    pub present: bool,
}

impl Reading<'_> {
    /// Why nothing of the status can be believed.
    pub fn disbelief(&self) -> Option<(&'static str, String)> {
        let lang = self.lang;
        if !self.present {
            let text = lang.str(
                "l'opérateur n'a rien dit encore de cet objet (pas de status)",
                "the operator has said nothing of this object yet (no status)",
            );
            return Some((NO_STATUS, text.to_owned()));
        }
        let number = |n: Option<i64>| n.map_or_else(|| "?".to_owned(), |n| n.to_string());
        match (self.observed, self.generation) {
            (Some(observed), Some(generation)) if observed >= generation => None,
            (observed, generation) => {
                let (observed, generation) = (number(observed), number(generation));
                Some((
                    STALE,
                    lang.pick(
                        || format!("le status parle de la génération {observed}, l'objet en est à la {generation}"),
                        || format!("the status speaks of generation {observed}, the object is at {generation}"),
                    ),
                ))
            }
        }
    }

    /// The wanted conditions, and any other that the operator wrote.
    pub fn views(&self, wanted: &[&str]) -> Vec<ConditionView> {
        let disbelief = self.disbelief();
        let others = self.conditions.iter().map(|c| c.type_.as_str()).filter(|t| !wanted.contains(t));
        let mut kinds: Vec<&str> = wanted.iter().copied().chain(others).collect();
        kinds.dedup();
        kinds.into_iter().map(|kind| self.view(kind, disbelief.as_ref())).collect()
    }

    fn view(&self, kind: &str, disbelief: Option<&(&'static str, String)>) -> ConditionView {
        let unknown = |reason: &str, message: String| ConditionView {
            kind: kind.to_owned(),
            status: Tri::Unknown,
            reason: reason.to_owned(),
            message,
        };
        if let Some((reason, message)) = disbelief {
            return unknown(reason, message.clone());
        }
        let Some(condition) = self.conditions.iter().find(|c| c.type_ == kind) else {
            let text = self
                .lang
                .str("l'opérateur n'écrit pas cette condition", "the operator does not write this condition");
            return unknown(NOT_REPORTED, text.to_owned());
        };
        if let (Some(observed), Some(generation)) = (condition.observed_generation, self.generation)
            && observed < generation
        {
            let text = self.lang.pick(
                || {
                    format!(
                        "la condition parle de la génération {observed}, l'objet en est à la {generation}"
                    )
                },
                || format!("the condition speaks of generation {observed}, the object is at {generation}"),
            );
            return unknown(STALE, text);
        }
        ConditionView {
            kind: kind.to_owned(),
            status: Tri::parse(&condition.status),
            reason: condition.reason.clone(),
            message: condition.message.clone(),
        }
    }
}

pub fn status_of(views: &[ConditionView], kind: &str) -> Tri {
    views.iter().find(|v| v.kind == kind).map_or(Tri::Unknown, |v| v.status)
}
