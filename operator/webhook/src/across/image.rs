//! What scans and registries say of the images that an object brings in.

use super::{Others, Written};
use crate::decision::Standing;
use crate::review::{Operation, Request};
use serde_json::Value;
use snc_catalogue::POD_KINDS;
use snc_catalogue::images::{
    Question, Sources, keys, of_spec, signed_control, signed_of_spec, to_ask as images_to_ask,
};
use snc_catalogue::{Profile, Settings, controls};
use snc_core::control::Control;
use snc_core::facts::PodSpec;
use snc_core::image::Reference;
use snc_core::text::Text;
use snc_core::verdict::{Outcome, Subject};
use snc_images::library::Image;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Each of the controls on images that apply at the level, with what it says.
pub(super) fn judge(
    kind: &str,
    profile: &Profile,
    written: &Written<'_>,
    others: &Result<Others<'_>, Text>,
) -> Vec<(&'static Control, Outcome)> {
    let asked = || OF_SCANS.iter().filter(|(control, _)| control.applies_at(profile.level));
    let signed = signed_control().filter(|control| control.applies_at(profile.level));
    let controls = || asked().map(|(control, _)| *control).chain(signed);
    if controls().next().is_none() {
        return Vec::new();
    }
    let all = |outcome: Outcome| controls().map(|control| (control, outcome.clone())).collect();
    let (at, new) = match brought_in(kind, written.object, written.before) {
        Ok(new) => new,
        Err(error) => return all(Outcome::unreadable(error)),
    };
    if new.every_container().next().is_none() {
        return Vec::new();
    }
    let others = match others {
        Ok(others) => others,
        Err(why) => return all(Outcome::unknown(why.fr.clone(), why.en.clone())),
    };
    let values: Vec<_> = asked().map(|(control, _)| profile.values(control)).collect();
    let questions: Vec<_> =
        asked().zip(&values).map(|((_, question), values)| (*question, Settings::new(values))).collect();
    let outcomes = of_scans(&questions, others, (written.namespace, at, &new));
    let mut said: Vec<_> = asked().map(|(control, _)| *control).zip(outcomes).collect();
    if let Some(control) = signed {
        let values = profile.values(control);
        let outcome = signed_of_spec(Settings::new(&values), others.signatures, (at, &new));
        said.push((control, outcome));
    }
    said
}

fn of_scans(
    questions: &[(Question, Settings<'_>)],
    others: &Others<'_>,
    (namespace, at, new): (&str, &str, &PodSpec),
) -> Vec<Outcome> {
    let Some(images) = others.images else {
        let why = ("les analyses d'images ne sont pas toutes connues", "not all scans of images are known");
        return vec![Outcome::unknown(why.0, why.1); questions.len()];
    };
    let named: Vec<Image> =
        new.every_container().map(|(_, container)| Image::of(&container.image, None)).collect();
    let digests = named.iter().flat_map(|image| &image.digests);
    let about = images.about(others.home, digests, named.iter().map(|image| &image.name));
    let sources = Sources {
        home: others.home,
        scans: about.scans,
        reports: about.reports,
        ledgers: Some(about.ledgers),
    };
    of_spec(questions, &sources, (namespace, at, new), others.now)
}

/// Which images registries are to be asked about before a request is decided, and by which keys; none where nothing
/// depends on it.
pub fn to_ask(request: &Request, standing: &Standing) -> Option<(Vec<String>, Vec<Reference>)> {
    let writes = matches!(request.operation, Operation::Create | Operation::Update);
    let kind = Subject::new(&request.api_version, &request.kind, "", "").kind_key();
    if !writes || !POD_KINDS.contains(&kind.as_str()) {
        return None;
    }
    signed_control().filter(|control| control.applies_at(standing.profile.level))?;
    let keys = keys(&standing.profile);
    if keys.is_empty() {
        return None;
    }
    let before = if request.operation == Operation::Update { &request.old_object } else { &Value::Null };
    let (_, new) = brought_in(&kind, &request.object, before).ok()?;
    let images = images_to_ask(&keys, &new);
    (!images.is_empty()).then_some((keys, images))
}

static OF_SCANS: LazyLock<Vec<(&'static Control, Question)>> = LazyLock::new(|| {
    controls().iter().filter_map(|control| Some((control, Question::of(&control.id)?))).collect()
});

/// Where the pod is, and its containers whose image was not there before: that one was judged when it came, and is judged
/// again where it runs.
fn brought_in(
    kind: &str,
    object: &Value,
    before: &Value,
) -> Result<(&'static str, PodSpec), serde_json::Error> {
    let spec = |body: &Value| match body {
        Value::Null => Ok(("", PodSpec::default())),
        body => PodSpec::within(kind, body),
    };
    let ((at, mut now), (_, before)) = (spec(object)?, spec(before)?);
    let there: BTreeSet<&str> =
        before.every_container().map(|(_, container)| container.image.as_str()).collect();
    for list in [&mut now.containers, &mut now.init_containers, &mut now.ephemeral_containers] {
        list.retain(|container| !there.contains(container.image.as_str()));
    }
    Ok((at, now))
}
