//! `--baseline`: parameters of controls from files of `SncBaseline` objects, as the operator takes them from the cluster's.
//! Only what is named by that flag: a baseline that merely lies among the manifests silences nothing.

mod baselines;

use crate::args::scan::ScanArgs;
use crate::manifests::Unreadable;
use crate::model::scan::{TailoredBy, TailoredTo, Tailoring};
use crate::outcome::Outcome;
use crate::words;
use baselines::Declared;
use snc_catalogue::Profile;
use snc_core::lang::Lang;
use snc_core::parameters::{ParameterKey, Parameters};
use snc_core::policy::Constraints;
use snc_plan::effective::join_baselines;
use snc_plan::profile::tailored;
use std::collections::BTreeMap;

/// Where a value is from that the command line gives.
pub const PARAM: &str = "--param";

/// What is judged by, and what an auditor is told of it.
#[derive(Debug)]
pub struct Tailored {
    pub profile: Profile,
    /// None where nothing has another value than its default.
    pub tailoring: Option<Tailoring>,
}

/// Nothing is judged by a baseline of which a part was not taken.
pub fn tailor(asked: &ScanArgs, lang: Lang) -> Result<Tailored, Outcome> {
    let (declared, mut wrong) = baselines::read(&asked.baselines);
    let constraints = join(&declared, &mut wrong);
    let mut reasons: Vec<String> = wrong.iter().map(|wrong| wrong.message(lang)).collect();
    for conflict in constraints.conflicts() {
        let sources: Vec<String> = conflict.sources.into_iter().collect();
        reasons.push(words::baseline_conflict(lang, &conflict.field, &sources.join(", ")));
    }
    if !reasons.is_empty() {
        return Err(Outcome { bad_input: true, reasons, ..Outcome::default() });
    }
    let mut profile = Profile { parameters: tailored(&constraints.parameters), ..asked.profile.clone() };
    // Whoever types a value means it for this one run.
    for (control, values) in &asked.profile.parameters {
        profile.parameters.entry(control.clone()).or_default().extend(values.clone());
    }
    let tailoring = (!declared.is_empty() || !profile.parameters.is_empty()).then(|| Tailoring {
        baselines: declared.iter().map(by).collect(),
        parameters: parameters(&profile, &asked.profile, &constraints.parameters),
    });
    Ok(Tailored { profile, tailoring })
}

fn join(declared: &[Declared], wrong: &mut Vec<Unreadable>) -> Constraints {
    let specs = declared.iter().map(|one| (one.name.clone(), one.spec.clone())).collect();
    let mut refusals = BTreeMap::new();
    let constraints = join_baselines(&specs, &mut refusals);
    for one in declared {
        let of_one = refusals.get(&format!("SncBaseline/{}", one.name)).into_iter().flatten();
        wrong.extend(of_one.map(|refusal| one.refused(refusal)));
    }
    constraints
}

fn by(one: &Declared) -> TailoredBy {
    TailoredBy { name: one.name.clone(), file: one.place.file.clone(), rationales: one.spec.parameters.len() }
}

fn parameters(profile: &Profile, given: &Profile, declared: &Parameters) -> Vec<TailoredTo> {
    let sources: BTreeMap<&ParameterKey, Vec<String>> = declared
        .iter()
        .map(|(key, one)| (key, one.sources().iter().map(ToString::to_string).collect()))
        .collect();
    let mut all = Vec::new();
    for (control, values) in &profile.parameters {
        for (name, value) in values {
            let key = ParameterKey { control: control.clone(), name: name.clone() };
            let from = if given.parameters.get(control).is_some_and(|given| given.contains_key(name)) {
                vec![PARAM.to_owned()]
            } else {
                sources.get(&key).cloned().unwrap_or_default()
            };
            let ParameterKey { control, name } = key;
            all.push(TailoredTo { control, name, value: value.clone(), from });
        }
    }
    all
}
