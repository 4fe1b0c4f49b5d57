//! What scans say of the images that an object brings in.

use super::{Others, Written};
use serde_json::Value;
use snc_catalogue::images::{Question, Sources, of_spec};
use snc_catalogue::{Profile, Settings, controls};
use snc_core::control::Control;
use snc_core::facts::PodSpec;
use snc_core::text::Text;
use snc_core::verdict::Outcome;
use snc_images::library::Image;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Each of the controls on scans that apply at the level, with what it says.
pub(super) fn judge(
    kind: &str,
    profile: &Profile,
    written: &Written<'_>,
    others: &Result<Others<'_>, Text>,
) -> Vec<(&'static Control, Outcome)> {
    let asked = || OF_SCANS.iter().filter(|(control, _)| control.applies_at(profile.level));
    if asked().next().is_none() {
        return Vec::new();
    }
    let all = |outcome: Outcome| asked().map(|(control, _)| (*control, outcome.clone())).collect();
    let spec = |body: &Value| match body {
        Value::Null => Ok(("", PodSpec::default())),
        body => PodSpec::within(kind, body),
    };
    let (at, new) = match (spec(written.object), spec(written.before)) {
        (Ok((at, now)), Ok((_, before))) => (at, brought_in(now, &before)),
        (Err(error), _) | (_, Err(error)) => return all(Outcome::unreadable(error)),
    };
    if new.every_container().next().is_none() {
        return Vec::new();
    }
    let others = match others {
        Ok(others) => others,
        Err(why) => return all(Outcome::unknown(why.fr.clone(), why.en.clone())),
    };
    let Some(images) = others.images else {
        let why = ("les analyses d'images ne sont pas toutes connues", "not all scans of images are known");
        return all(Outcome::unknown(why.0, why.1));
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
    let values: Vec<_> = asked().map(|(control, _)| profile.values(control)).collect();
    let questions: Vec<_> =
        asked().zip(&values).map(|((_, question), values)| (*question, Settings::new(values))).collect();
    let outcomes = of_spec(&questions, &sources, (written.namespace, at, &new), others.now);
    asked().map(|(control, _)| *control).zip(outcomes).collect()
}

static OF_SCANS: LazyLock<Vec<(&'static Control, Question)>> = LazyLock::new(|| {
    controls().iter().filter_map(|control| Some((control, Question::of(&control.id)?))).collect()
});

/// What was there before was judged when it came, and is judged again where it runs.
fn brought_in(mut now: PodSpec, before: &PodSpec) -> PodSpec {
    let there: BTreeSet<&str> =
        before.every_container().map(|(_, container)| container.image.as_str()).collect();
    for list in [&mut now.containers, &mut now.init_containers, &mut now.ephemeral_containers] {
        list.retain(|container| !there.contains(container.image.as_str()));
    }
    now
}
