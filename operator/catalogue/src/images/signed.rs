//! Whether images are signed by whom the platform declares. Only the operator's own processes ask registries: what they
//! were told is looked up here.

use super::{Ran, Run, Several, shown};
use crate::catalogue::controls;
use crate::checks::World;
use crate::profile::{Profile, Settings};
use snc_core::control::Control;
use snc_core::facts::PodSpec;
use snc_core::image::{Reference, Signature, Signatures, digest_of_running};
use snc_core::verdict::{Outcome, Subject};
use snc_images::library::Image;
use snc_images::signature::Trust;
use std::collections::BTreeMap;

/// The control on it, and the parameter that declares keys.
pub const SIGNED: &str = "image-signed";
pub const KEYS: &str = "keys";

pub fn control() -> Option<&'static Control> {
    controls().iter().find(|control| control.id == SIGNED)
}

/// The keys that a profile declares, as they are written.
pub fn keys(profile: &Profile) -> Vec<String> {
    let Some(control) = control() else { return Vec::new() };
    let values = profile.values(control);
    Settings::new(&values).strings(KEYS).into_iter().map(str::to_owned).collect()
}

/// What a registry has to be asked about: the digest that a pod names, or else the one that runs.
fn named(image: &str, running: Option<&str>) -> Option<Reference> {
    let mut reference = Reference::parse(image)?;
    if reference.digest.is_none() {
        reference.digest = running.and_then(digest_of_running);
    }
    Some(reference)
}

/// The images of a pod that is to be, or of whatever makes it, that a registry is to be asked about.
pub fn to_ask(keys: &[String], spec: &PodSpec) -> Vec<Reference> {
    let trust = Trust::of(keys.iter().map(String::as_str));
    let images = spec.every_container().filter_map(|(_, container)| named(&container.image, None));
    images.filter(|image| image.digest.is_some() && trust.covers(image)).collect()
}

/// The same of what runs, each once.
pub(crate) fn running_to_ask(keys: &[String], runs: &dyn Ran) -> Vec<Reference> {
    let trust = Trust::of(keys.iter().map(String::as_str));
    let images = runs.table().images.iter().filter_map(of_run);
    let wanted = images.filter(|image| image.digest.is_some() && trust.covers(image));
    let once: BTreeMap<(String, _), Reference> =
        wanted.map(|image| ((image.name(), image.digest.clone()), image)).collect();
    once.into_values().collect()
}

fn of_run(run: &Run<'_>) -> Option<Reference> {
    named(run.named, Some(run.image_id))
}

/// By which keys, and what is known.
pub(crate) struct Signers<'a> {
    keys: Vec<&'a str>,
    trust: Trust,
    known: Option<&'a Signatures>,
}

impl<'a> Signers<'a> {
    pub fn new(settings: Settings<'a>, known: Option<&'a Signatures>) -> Self {
        let keys = settings.strings(KEYS);
        Self { trust: Trust::of(keys.iter().copied()), keys, known }
    }

    pub fn declares(&self) -> bool {
        !self.keys.is_empty()
    }

    fn judge(&self, text: &str, image: Option<&Reference>) -> Outcome {
        let Some(image) = image else {
            return Outcome::unknown(
                format!("nom d'image illisible, dont le registre n'est pas connu : {text}"),
                format!("name of an image that cannot be read, so that its registry is not known: {text}"),
            );
        };
        if !self.trust.covers(image) {
            return Outcome::fail(
                format!("d'un registre pour lequel aucune clé n'est déclarée : {text}"),
                format!("from a registry for which no key is declared: {text}"),
            );
        }
        if image.digest.is_none() {
            return Outcome::unknown(
                format!("désignée sans empreinte, alors qu'une étiquette peut changer d'image : {text}"),
                format!("named without a digest, and a tag can move to another image: {text}"),
            );
        }
        let Some(known) = self.known else {
            return Outcome::unknown(
                format!("l'opérateur seul interroge les registres, et rien n'en est connu ici : {text}"),
                format!("only the operator asks registries, and nothing of it is known here: {text}"),
            );
        };
        let same_keys = known.keys.iter().map(String::as_str).eq(self.keys.iter().copied());
        match known.of(image).filter(|_| same_keys) {
            Some(Signature::Verified { .. }) => Outcome::pass(),
            Some(Signature::NotSigned) => {
                Outcome::fail(format!("sans signature : {text}"), format!("without a signature: {text}"))
            }
            Some(Signature::Bad(why)) => Outcome::fail(
                format!("aucune signature valable, {} : {text}", why.fr),
                format!("no signature that counts, {}: {text}", why.en),
            ),
            Some(Signature::Unknown(why)) => Outcome::unknown(
                format!("signature inconnue, {} : {text}", why.fr),
                format!("signature not known, {}: {text}", why.en),
            ),
            None => Outcome::unknown(
                format!("le registre n'a pas encore été interrogé : {text}"),
                format!("the registry was not asked yet: {text}"),
            ),
        }
    }

    pub fn of(&self, run: &Run<'_>) -> Outcome {
        self.judge(&shown(run.named, &run.image), of_run(run).as_ref())
    }
}

/// Of the images of a pod that is to be, or of whatever makes it.
pub fn signed_of_spec(
    settings: Settings<'_>,
    known: Option<&Signatures>,
    (at, spec): (&str, &PodSpec),
) -> Outcome {
    let signers = Signers::new(settings, known);
    let mut several = Several::default();
    for (list, container) in spec.every_container() {
        let text = shown(&container.image, &Image::of(&container.image, None));
        let outcome = signers.judge(&text, named(&container.image, None).as_ref());
        several.add(&outcome, &format!("{at}.{list}[{:?}].image", container.name));
    }
    several.outcome()
}

pub(crate) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let signers = Signers::new(world.settings, world.snapshot.signatures.as_deref());
    super::of_all_that_runs(world, |run| signers.of(run))
}
